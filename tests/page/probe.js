// Says in a <pre> what is wrong with where things stand on the page: a text of `good` if nothing is.
'use strict';
(() => {
  const wrong = [];
  const all = (selector) => [...document.querySelectorAll(selector)];
  const box = (element) => element.getBoundingClientRect();
  const isSeen = (element) => !element.hidden && getComputedStyle(element).display !== 'none' && box(element).width > 0;
  const overlap = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1;
  const isIn = (inner, outer) =>
    inner.left >= outer.left - 1 && inner.right <= outer.right + 1 && inner.top >= outer.top - 1 && inner.bottom <= outer.bottom + 1;
  const name = (element) => element.getAttribute('aria-label') || element.id || element.tagName.toLowerCase();
  const expect = (good, what) => good || wrong.push(what);
  const nodes = all('#graph .node[id]');
  const stage = document.getElementById('stage');

  expect(nodes.length >= 7, `only ${nodes.length} nodes`);
  const parts = all('header, #stage, footer');
  const window_ = { left: 0, top: 0, right: innerWidth, bottom: innerHeight };
  const check = (when) => {
    const seen = parts.concat(all('#details')).filter(isSeen);
    seen.forEach((part) => expect(isIn(box(part), window_), `${when}: ${name(part)} leaves the window`));
    seen.forEach((part, index) =>
      seen.slice(index + 1).forEach((other) => expect(!overlap(box(part), box(other)), `${when}: ${name(part)} covers ${name(other)}`)));
    all('header > *, header button').filter(isSeen).forEach((part) =>
      expect(isIn(box(part), box(document.querySelector('header'))), `${when}: ${name(part)} leaves the header`));
    const controls = all('header > *').filter(isSeen);
    controls.forEach((part, index) =>
      controls.slice(index + 1).forEach((other) => expect(!overlap(box(part), box(other)), `${when}: ${name(part)} covers ${name(other)}`)));
  };

  check('at first');
  nodes.forEach((node) => expect(isIn(box(node), box(stage)), `at first: ${name(node)} is out of view`));
  nodes.forEach((node, index) =>
    nodes.slice(index + 1).forEach((other) => expect(!overlap(box(node), box(other)), `${name(node)} covers ${name(other)}`)));
  expect(isSeen(document.querySelector('h1')) && document.querySelector('h1').textContent, 'the page does not name its line');

  // The last job, to the right, is where a panel would cover it.
  const last = nodes.reduce((a, b) => (box(b).right > box(a).right ? b : a));
  last.dispatchEvent(new MouseEvent('click', { bubbles: true }));
  const details = document.getElementById('details');
  expect(isSeen(details) && details.querySelector('h2').textContent, 'a click shows no details');
  check('chosen');
  expect(isIn(box(last), box(stage)), `chosen: ${name(last)} is out of view`);

  const pre = document.createElement('pre');
  pre.id = 'probe';
  pre.hidden = true;
  pre.textContent = wrong.length ? wrong.slice(0, 5).join('; ') : 'good';
  document.body.append(pre);
})();
