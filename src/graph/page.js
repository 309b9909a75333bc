'use strict';
const line = JSON.parse(document.getElementById('line').textContent);
const by = (id) => document.getElementById(id);
const stage = by('stage'), svg = by('graph'), details = by('details'), search = by('search');
const nodes = line.nodes.map((_, index) => by('n' + index));
const edges = line.edges.map((_, index) => by('e' + index));
const whole = svg.viewBox.baseVal, size = { width: whole.width, height: whole.height };
const view = { x: 0, y: 0, scale: 1 };
let chosen = null;

document.body.classList.add('live');
document.querySelector('header').hidden = false;

// Moving about.

const room = () => stage.getBoundingClientRect();

function show() {
  const { width, height } = room();
  svg.setAttribute('viewBox', [view.x, view.y, width / view.scale, height / view.scale].join(' '));
}

function fit() {
  const { width, height } = room();
  const scale = Math.min(width / size.width, height / size.height, 1.5);
  view.scale = scale;
  view.x = Math.min(0, (size.width - width / view.scale) / 2);
  view.y = Math.min(0, (size.height - height / view.scale) / 2);
  show();
}

// The point (x, y) of the window stays where it is.
function zoom(factor, x, y) {
  const { left, top, width, height } = room();
  const at = { x: (x ?? left + width / 2) - left, y: (y ?? top + height / 2) - top };
  const scale = Math.min(4, Math.max(0.02, view.scale * factor));
  view.x += at.x / view.scale - at.x / scale;
  view.y += at.y / view.scale - at.y / scale;
  view.scale = scale;
  show();
}

function pan(x, y) {
  view.x += x / view.scale;
  view.y += y / view.scale;
  show();
}

// How far a stretch has to move to be between two ends.
function past(from, to, start, end) {
  return from < start ? from - start : Math.max(0, to - end);
}

function bringIntoView(index, always) {
  const box = nodes[index].getBoundingClientRect(), { left, top, right, bottom } = room();
  if (always || box.left < left || box.top < top || box.right > right || box.bottom > bottom) {
    if (view.scale < 0.5) zoom(0.8 / view.scale);
    const now = nodes[index].getBoundingClientRect(), edge = 24;
    if (always) pan((now.left + now.right - left - right) / 2, (now.top + now.bottom - top - bottom) / 2);
    else pan(past(now.left - edge, now.right + edge, left, right), past(now.top - edge, now.bottom + edge, top, bottom));
  }
}

stage.addEventListener('wheel', (event) => {
  event.preventDefault();
  const pixels = event.deltaY * (event.deltaMode === 1 ? 16 : 1);
  zoom(Math.exp(-Math.max(-120, Math.min(120, pixels)) / 400), event.clientX, event.clientY);
}, { passive: false });

const pointers = new Map();
let moved = 0;
stage.addEventListener('pointerdown', (event) => {
  if (event.button) return;
  pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  if (pointers.size === 1) moved = 0;
});
window.addEventListener('pointermove', (event) => {
  const before = pointers.get(event.pointerId);
  if (!before) return;
  const now = { x: event.clientX, y: event.clientY };
  const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
  pointers.set(event.pointerId, now);
  moved += Math.hypot(now.x - before.x, now.y - before.y);
  if (moved > 4) stage.classList.add('dragged');
  if (other) {
    const distance = (point) => Math.hypot(point.x - other.x, point.y - other.y) || 1;
    zoom(distance(now) / distance(before), (now.x + other.x) / 2, (now.y + other.y) / 2);
  } else if (moved > 4) {
    pan(before.x - now.x, before.y - now.y);
  }
});
for (const end of ['pointerup', 'pointercancel']) {
  window.addEventListener(end, (event) => {
    pointers.delete(event.pointerId);
    stage.classList.remove('dragged');
  });
}
// The panel of details takes its place from the drawing.
new ResizeObserver(show).observe(stage);

// What leads to a node, and where it leads.

const leaving = line.nodes.map(() => []), entering = line.nodes.map(() => []);
line.edges.forEach(([from, to], index) => {
  leaving[from].push(index);
  entering[to].push(index);
});

function follow(start, ways, end, found) {
  const seen = new Set([start]), open = [start];
  while (open.length) {
    for (const edge of ways[open.pop()]) {
      found.add(edges[edge]);
      const node = line.edges[edge][end];
      if (!seen.has(node)) open.push(node);
      seen.add(node);
    }
  }
  seen.forEach((node) => found.add(nodes[node]));
}

function light(elements) {
  svg.querySelectorAll('.lit').forEach((element) => element.classList.remove('lit'));
  svg.classList.toggle('faded', elements !== null);
  elements?.forEach((element) => element.classList.add('lit'));
}

function lightWays(index) {
  const found = new Set();
  follow(index, leaving, 1, found);
  follow(index, entering, 0, found);
  light(found);
}

// Without a node under the pointer: what is chosen, or what is searched for.
function lightRest() {
  if (chosen !== null) lightWays(chosen);
  else if (search.value.trim()) light(matches().map((index) => nodes[index]));
  else light(null);
}

// Details.

const make = (tag, text, parent) => {
  const element = document.createElement(tag);
  element.textContent = text;
  parent.append(element);
  return element;
};

function list(title, items, fill) {
  if (!items.length) return;
  make('h3', title, details);
  const ul = make('ul', '', details);
  items.forEach((item) => fill(make('li', '', ul), item));
}

function ago(started) {
  const seconds = Math.max(0, (Date.now() - Date.parse(started)) / 1000);
  const [unit, length] = [['day', 86400], ['hour', 3600], ['minute', 60], ['second', 1]].find(([, length]) => seconds >= length) ?? ['second', 1];
  const count = Math.floor(seconds / length);
  return `${count} ${unit}${count === 1 ? '' : 's'} ago`;
}

function link(li, index) {
  make('button', line.nodes[index].name, li).addEventListener('click', () => choose(index, true));
}

function choose(index, follow) {
  if (chosen !== null) nodes[chosen].classList.remove('chosen');
  chosen = index;
  details.hidden = index === null;
  if (index === null) return lightRest();
  const node = line.nodes[index];
  nodes[index].classList.add('chosen');
  details.replaceChildren();
  const close = make('button', '×', details);
  close.className = 'close';
  close.setAttribute('aria-label', 'Close');
  close.addEventListener('click', leave);
  make('h2', node.name, details);
  make('p', [node.what, node.type].filter(Boolean).join(', '), details);
  if (node.integration) make('p', 'integration ' + node.integration, details);
  if (node.place) make('p', node.place, details);
  list('Last builds', node.builds, (li, build) => {
    li.className = build.class;
    make('b', `#${build.number} ${build.result}`, li);
    make('span', ` ${ago(build.started)}${build.took && ', took ' + build.took}`, li);
    li.title = build.started;
  });
  if (node.what === 'job' && !node.builds.length) make('p', 'never run', details);
  list('Steps', node.steps, (li, step) => li.append(step));
  list('Comes from', [...new Set(entering[index].map((edge) => line.edges[edge][0]))], link);
  list('Goes to', [...new Set(leaving[index].map((edge) => line.edges[edge][1]))], link);
  lightWays(index);
  show();
  if (follow) nodes[index].focus();
  bringIntoView(index, follow);
}

function leave() {
  const before = chosen;
  choose(null);
  if (before !== null) nodes[before].focus();
}

nodes.forEach((element, index) => {
  element.addEventListener('pointerenter', () => pointers.size || lightWays(index));
  element.addEventListener('pointerleave', () => pointers.size || lightRest());
  element.addEventListener('focus', () => element.matches(':focus-visible') && (lightWays(index), bringIntoView(index)));
  element.addEventListener('blur', lightRest);
  element.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' && event.key !== ' ') return;
    event.preventDefault();
    choose(index);
  });
});
stage.addEventListener('click', (event) => {
  if (moved > 4) return;
  const node = event.target.closest('.node[id]');
  choose(node ? nodes.indexOf(node) : null);
});

// Search.

let at = -1;
function matches() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  return line.nodes.flatMap((node, index) => {
    const text = [node.name, node.type, node.integration].join(' ').toLowerCase();
    return words.length && words.every((word) => text.includes(word)) ? [index] : [];
  });
}
search.addEventListener('input', () => {
  at = -1;
  if (chosen !== null) choose(null);
  const count = matches().length;
  by('found').textContent = search.value.trim() ? `${count} found` : '';
  lightRest();
});
search.addEventListener('keydown', (event) => {
  const found = matches();
  if (event.key !== 'Enter' || !found.length) return;
  at = (at + (event.shiftKey ? found.length - 1 : 1)) % found.length;
  choose(found[at]);
  bringIntoView(found[at], true);
});

// The keyboard.

const keys = {
  '+': () => zoom(1.25), '=': () => zoom(1.25), '-': () => zoom(0.8), '0': fit,
  ArrowLeft: () => pan(-80, 0), ArrowRight: () => pan(80, 0), ArrowUp: () => pan(0, -80), ArrowDown: () => pan(0, 80),
  '/': () => search.focus(),
};
document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === 'Escape') {
    if (chosen !== null) return leave();
    search.value = '';
    search.dispatchEvent(new Event('input'));
    search.blur();
  } else if (event.target !== search && keys[event.key]) {
    event.preventDefault();
    keys[event.key]();
  }
});
by('in').addEventListener('click', () => zoom(1.25));
by('out').addEventListener('click', () => zoom(0.8));
by('all').addEventListener('click', fit);

fit();
