// What a person would see at a glance, measured: text that is cut off and targets that are hard to hit.
() => {
  const SLACK = 1.5; // pixels; layout rounds
  const describe = (element) => {
    const name = element.tagName.toLowerCase() + (element.id ? `#${element.id}` : "");
    const classes = [...element.classList].map((each) => `.${each}`).join("");
    return `${name}${classes} “${element.textContent.trim().replace(/\s+/g, " ").slice(0, 60)}”`;
  };
  const isShown = (element) =>
    element.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && !element.closest(".sr, .skip");

  // A text is cut where an ancestor that hides its overflow ends before the text does. Fine are an ellipsis, a
  // scroller, a fold with its button right after it, and the one pixel that words for screen readers get.
  const isMeant = (element, style, box) =>
    style.textOverflow === "ellipsis" ||
    element.nextElementSibling?.matches("button[aria-expanded=false]") ||
    (box.width <= 1 && box.height <= 1);

  function cutBy(text) {
    const range = document.createRange();
    range.selectNodeContents(text);
    const rects = [...range.getClientRects()].filter((rect) => rect.width > 0 && rect.height > 0);
    if (!rects.length) return null;
    const left = Math.min(...rects.map((rect) => rect.left));
    const right = Math.max(...rects.map((rect) => rect.right));
    const top = Math.min(...rects.map((rect) => rect.top));
    const bottom = Math.max(...rects.map((rect) => rect.bottom));
    for (let element = text.parentElement; element; element = element.parentElement) {
      const style = getComputedStyle(element);
      if (element === document.documentElement) break;
      const box = element.getBoundingClientRect();
      const hides = (axis) => ["hidden", "clip"].includes(style[`overflow${axis}`]);
      const scrolls = ["X", "Y"].some((axis) => ["auto", "scroll"].includes(style[`overflow${axis}`]));
      const isCut =
        (hides("X") && (right > box.right + SLACK || left < box.left - SLACK)) ||
        (hides("Y") && (bottom > box.bottom + SLACK || top < box.top - SLACK));
      if (isCut) return isMeant(element, style, box) ? null : element;
      if (scrolls) return null;
      if (style.position === "fixed") break;
    }
    if (text.parentElement.closest(".logs.wide")) return null; // the page scrolls sideways below it
    return left < -SLACK || right > document.documentElement.clientWidth + SLACK ? document.documentElement : null;
  }

  const clipped = [];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode;
    const owner = text.parentElement;
    if (!text.data.trim() || owner.closest("script, style, option, svg") || !isShown(owner)) continue;
    const by = cutBy(text);
    if (by) clipped.push(`${describe(owner)} by ${by.tagName.toLowerCase()}.${by.className}`);
  }

  // WCAG 2.2, 2.5.8: 24 by 24 pixels, but for links within a sentence, and for marks of a chart: the rows of its
  // table lead to the same places. A label is part of its field's target.
  const inSentence = (element) =>
    getComputedStyle(element).display === "inline" &&
    [...element.parentElement.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
  const small = [];
  for (const element of document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary")) {
    if (!isShown(element) || inSentence(element) || element.closest("svg")) continue;
    const boxes = [element, ...(element.matches("[type=checkbox], [type=radio]") ? element.labels : [])].map((each) =>
      each.getBoundingClientRect(),
    );
    const width = Math.max(...boxes.map((box) => box.right)) - Math.min(...boxes.map((box) => box.left));
    const height = Math.max(...boxes.map((box) => box.bottom)) - Math.min(...boxes.map((box) => box.top));
    if (width < 24 || height < 24) small.push(`${describe(element)} ${width.toFixed(1)} × ${height.toFixed(1)}`);
  }

  const page = document.scrollingElement;
  const mayScroll = innerWidth > 720 && document.querySelector(".logs.wide");
  return [
    ...(!mayScroll && page.scrollWidth > page.clientWidth ? [`scrolls ${page.scrollWidth - page.clientWidth} pixels sideways`] : []),
    ...clipped.map((text) => `cut off: ${text}`),
    ...small.map((target) => `small target: ${target}`),
  ];
}
