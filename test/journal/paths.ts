import t from 'tap'
import { idOfFile, journalFolder, newRunId, runFile } from '../../src/journal/paths.ts'

t.test('ids are in the order of time, to the millisecond, and no two are alike', async t => {
  const start = Date.UTC(2026, 10, 21, 10, 58, 30)
  const ids = Array.from({ length: 1001 }, (_, ms) => newRunId(new Date(start + ms)))
  t.strictSame(ids.toSorted(), ids)
  t.match(ids[0], /^20261121-105830-22/)
  t.not(newRunId(new Date(start)), newRunId(new Date(start)))
  for (const id of ids.slice(0, 5)) t.equal(idOfFile(`${id}.jsonl`), id)
})

t.test('what is no id is no file', async t => {
  for (const text of ['', '..', '../../etc/passwd', '20261121-105830-k7qz4/..', '20261121-105830'])
    t.equal(runFile('/runs', text), undefined, text)
  t.equal(runFile('/runs', '20261121-105830-k7qz4'), '/runs/20261121-105830-k7qz4.jsonl')
  t.equal(idOfFile('20261121-105830-k7qz4.jsonl.new'), undefined)
  t.equal(idOfFile('20261121-105830-k7qz4'), undefined)
})

t.test('the folder is that of the state, and never a relative one', async t => {
  t.equal(journalFolder({ XDG_STATE_HOME: '/s' }), '/s/stoker/runs')
  t.match(journalFolder({ XDG_STATE_HOME: 's' }), /^\/.*\.local\/state\/stoker\/runs$/)
})
