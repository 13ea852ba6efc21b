// What every page needs comes first; the modules of the log page do nothing on other pages.
import "./preferences.js";
import "./messages.js";
import "./copy.js";
import "./times.js";
import "./tips.js";
import "./requests.js";
import "./panel.js";
import "./live.js";
import "./keys.js";
import "./narrow.js";
import "./bar.js";
import "./histogram.js";
import "./columns.js";
import "./feedback.js";
import "./find.js";
import "./first-log.js";
import "./json-editor.js";
