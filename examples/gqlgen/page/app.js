// The page of the example: it sends an operation twice, without a key and with one, and shows what comes back.
// Nothing that arrives is ever read as HTML.

const examples = [
  ['Published posts', 'the public role reads', 'The public role may read posts, so both callers get them.',
    '{\n  posts {\n    id\n    title\n    likes\n    tags { name }\n  }\n}'],
  ['A public field beside a guarded one', 'partial', 'A query is answered in part: what the caller may not see is null, with one error.',
    '{\n  posts { title notes }\n  secret { title }\n}'],
  ['Who am I?', 'any good key', '@authenticated: the anonymous caller is not enough.', '{\n  me { name kind role }\n}'],
  ['No rule at all', 'any good key', 'A root field without a rule needs a good key. Only @public opens it.', '{\n  authors { name email }\n  version\n}'],
  ['Through an interface', 'content/secret/read', 'The rule is the type\u2019s, and holds for a Secret that node() finds.',
    'query ($id: ID!) {\n  node(id: $id) {\n    id\n    ... on Secret { title }\n  }\n}', '{ "id": "secret-1" }'],
  ['Through a union', 'content/secret/read', 'The post is everybody\u2019s; the secret with the same word in its title is not.',
    '{\n  search(text: "key") {\n    __typename\n    ... on Post { title }\n    ... on Secret { title }\n  }\n}'],
  ['Permission from an argument', 'content/{model}/read', 'entry() needs content/{model}/read. Try posts, authors, or something malformed.',
    'query ($model: String!, $id: ID!) {\n  entry(model: $model, id: $id) { model title }\n}', '{ "model": "authors", "id": "author-1" }'],
  ['Scopes, either of two ways', 'drafts, or reports', '@requiresScopes: the first list or the second, each as a whole.', '{\n  report { posts drafts }\n}'],
  ['A guarded argument', 'content/drafts/read', 'Posts are public; asking for the drafts among them is not.', '{\n  posts(drafts: true) { title draft }\n}'],
  ['Create a post', 'content/posts/create', 'A mutation is done whole or not at all.',
    'mutation ($input: NewPost!) {\n  createPost(input: $input) { id title featured }\n}', '{ "input": { "title": "From this page" } }'],
  ['A guarded input field', 'content/posts/feature', 'Writing is one permission; the front page is another.',
    'mutation ($input: NewPost!) {\n  createPost(input: $input) { id title featured }\n}', '{ "input": { "title": "Front page", "featured": true } }'],
  ['Live: new posts', 'content/posts/read', 'Leave it running, and create a post in another tab.', 'subscription {\n  postAdded { id title }\n}'],
  ['Live: the clock', 'any good key', 'Invalidate your key while it ticks (the last line that the program printed): the stream is cut.', 'subscription {\n  clock\n}'],
  ['What is in the schema?', 'app/schema/read', 'Introspection is a field like any other, by role.', '{\n  __schema { types { name } }\n}'],
]

const $ = (id) => document.getElementById(id)
const panes = { without: $('without'), with: $('with') }
const live = () => /^(\s|#.*)*subscription\b/.test($('query').value)
let running = [] // what Stop stops

function choose(i) {
  const [, , about, query, variables = ''] = examples[i]
  $('about').textContent = about
  $('query').value = query
  $('variables').value = variables
  edited()
  stop()
  clear()
  document.querySelectorAll('nav button').forEach((b, n) => n === i ? b.setAttribute('aria-current', 'true') : b.removeAttribute('aria-current'))
}

function edited() { $('by').hidden = !live() }

function clear() {
  for (const pane of Object.values(panes)) { pane.querySelector('pre').replaceChildren(); status(pane, '') }
}

examples.forEach(([title, needs], i) => {
  const button = document.createElement('button')
  const small = document.createElement('small')
  button.type = 'button'
  small.textContent = needs
  button.append(title, small)
  button.addEventListener('click', () => choose(i))
  const item = document.createElement('li')
  item.append(button)
  $('examples').append(item)
})

function status(pane, text, tone = '') {
  const output = pane.querySelector('.status')
  output.textContent = text
  output.className = 'status ' + tone
}

function say(pane, text) {
  const line = document.createElement('span')
  line.className = 'quiet'
  line.textContent = text + '\n'
  pane.querySelector('pre').append(line)
}

// layout writes value with one line for what is short.
function layout(value, indent = '') {
  const short = JSON.stringify(value, null, 1).replace(/\n\s*/g, ' ')
  if (value === null || typeof value !== 'object' || short.length <= 48) return short
  const list = Array.isArray(value)
  const inner = indent + '  '
  const rows = Object.entries(value).map(([k, v]) => inner + (list ? '' : JSON.stringify(k) + ': ') + layout(v, inner))
  return `${list ? '[' : '{'}\n${rows.join(',\n')}\n${indent}${list ? ']' : '}'}`
}

// json appends value in colour, and scrolls to it where more is to come.
function json(pane, value, follow = false) {
  const pre = pane.querySelector('pre')
  const text = layout(value)
  let end = 0
  for (const m of text.matchAll(/("(?:[^"\\]|\\.)*")(\s*:)?|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/g)) {
    pre.append(text.slice(end, m.index))
    end = m.index + m[0].length
    const span = document.createElement('span')
    span.textContent = m[0]
    if (m[2]) span.className = /^"(errors|error)"/.test(m[0]) ? 'error' : ''
    else span.className = m[1] ? 'string' : 'number'
    pre.append(span)
  }
  pre.append(text.slice(end) + '\n')
  if (follow) pre.scrollTop = pre.scrollHeight
}

const tone = (code) => code < 300 ? 'good' : code === 401 ? 'warn' : 'bad'
const headers = (key, accept) => ({ 'Content-Type': 'application/json', Accept: accept, ...(key === '' ? {} : { 'api-key': key }) })

// post sends a query or a mutation.
async function post(pane, body, key, signal) {
  const began = performance.now()
  const answer = await fetch('/graphql', { method: 'POST', headers: headers(key, 'application/json'), body: JSON.stringify(body), signal })
  const text = await answer.text()
  status(pane, `${answer.status} ${answer.statusText} · ${Math.round(performance.now() - began)} ms`, tone(answer.status))
  try { json(pane, JSON.parse(text)) } catch { say(pane, text) }
}

// sse subscribes by server-sent events.
async function sse(pane, body, key, signal) {
  const answer = await fetch('/graphql', { method: 'POST', headers: headers(key, 'text/event-stream'), body: JSON.stringify(body), signal })
  status(pane, `${answer.status} ${answer.statusText}`, tone(answer.status))
  if (!answer.headers.get('Content-Type')?.startsWith('text/event-stream')) {
    const text = await answer.text()
    try { json(pane, JSON.parse(text)) } catch { say(pane, text) }
    return
  }
  let rest = ''
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader()
  for (let part; !(part = await reader.read()).done;) {
    const blocks = (rest + part.value).split('\n\n')
    rest = blocks.pop()
    for (const block of blocks) {
      const data = block.split('\n').filter((l) => l.startsWith('data:')).map((l) => l.slice(5)).join('\n').trim()
      if (data) json(pane, JSON.parse(data), true)
    }
  }
  if (answer.ok) status(pane, `${answer.status} · ended by the server`, 'warn')
}

// socket subscribes by graphql-transport-ws. The key travels in connection_init, since browsers cannot set headers there.
function socket(pane, body, key, signal) {
  return new Promise((done) => {
    const ws = new WebSocket('/graphql', 'graphql-transport-ws')
    const send = (message) => ws.send(JSON.stringify(message))
    let ended = ''
    let last = null
    signal.addEventListener('abort', () => { ended = 'stopped'; ws.close(1000); done() })
    ws.onopen = () => send({ type: 'connection_init', payload: key === '' ? {} : { 'api-key': key } })
    ws.onmessage = (event) => {
      if (ended) return
      const { type, payload } = JSON.parse(event.data)
      if (type === 'connection_ack') {
        status(pane, 'socket open', 'good')
        send({ id: '1', type: 'subscribe', payload: body })
      } else if (type === 'ping') send({ type: 'pong' })
      else if (type === 'next') json(pane, last = payload, true)
      else if (type === 'error') { json(pane, { errors: payload }); ended = 'refused' }
      else if (type === 'complete') ended = last?.errors && last.data == null ? 'refused' : 'completed'
      if (ended) ws.close(1000)
    }
    ws.onclose = ({ code, reason }) => {
      if (ended !== 'stopped') status(pane, `${ended || 'socket closed'} · ${code}${reason ? ' ' + reason : ''}`, ended === 'completed' ? 'good' : 'bad')
      done()
    }
  })
}

async function one(pane, body, key, send, stop) {
  try {
    await send(pane, body, key, stop.signal)
  } catch (e) {
    if (e.name !== 'AbortError') { status(pane, 'no answer', 'bad'); say(pane, String(e)) }
  }
  stop.done = true
}

async function run() {
  stop()
  clear()
  const body = { query: $('query').value }
  if ($('variables').value.trim() !== '') {
    try { body.variables = JSON.parse($('variables').value) } catch {
      for (const pane of Object.values(panes)) say(pane, 'The variables are not valid JSON.')
      return
    }
  }
  const streams = live()
  const send = !streams ? post : document.querySelector('[name=stream]:checked').value === 'sse' ? sse : socket
  const key = $('key').value.trim()
  const mine = []
  const begin = (pane, key) => {
    const stop = new AbortController()
    status(pane, streams ? 'connecting …' : '…')
    stop.pane = pane
    mine.push(stop)
    return one(pane, body, key, send, stop)
  }
  running = mine
  $('stop').hidden = !streams
  const asked = [begin(panes.without, '')]
  if (key === '') say(panes.with, 'Paste one of the keys that the program printed.')
  else asked.push(begin(panes.with, key))
  await Promise.all(asked)
  if (running === mine) $('stop').hidden = true
}

function stop() {
  for (const s of running) s.abort()
  running = []
  $('stop').hidden = true
}

$('ask').addEventListener('submit', (e) => { e.preventDefault(); run(); if (matchMedia('(width < 64rem)').matches) $('results').scrollIntoView() })
$('ask').addEventListener('keydown', (e) => { if (e.key === 'Enter' && (e.ctrlKey || e.metaKey)) { e.preventDefault(); $('ask').requestSubmit() } })
$('query').addEventListener('input', edited)
$('stop').addEventListener('click', () => {
  for (const s of running) if (!s.done) status(s.pane, 'stopped')
  stop()
})
$('show').addEventListener('click', () => {
  const shown = $('key').type === 'text'
  $('key').type = shown ? 'password' : 'text'
  $('show').textContent = shown ? 'Show' : 'Hide'
  $('show').setAttribute('aria-pressed', String(!shown))
})
choose(1)
run()
