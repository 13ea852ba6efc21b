import "./preferences.js";
import "./messages.js";
import "./copy.js";
