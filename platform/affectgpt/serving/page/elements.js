// Elements of the page: found by id, and made with attributes and children.

const SVG = "http://www.w3.org/2000/svg"

export const find = (id) => document.getElementById(id)

/** Makes an HTML element; children are elements or texts. */
export function make(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children)
}

/** Makes an SVG element. */
export function draw(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children)
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value)
  element.append(...children)
  return element
}

/** Writes seconds as people read them. */
export function seconds(value) {
  return value < 0.0995 ? `${Math.round(1000 * value)} ms` : `${value.toFixed(value < 9.95 ? 2 : 1)} s`
}
