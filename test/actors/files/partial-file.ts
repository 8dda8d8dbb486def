import t from 'tap'
import { idOf, parsePartials, partialPath } from '../../../actors/files/partial-file.ts'

t.test('what is kept lies beside its file, whatever the name of that', t => {
  const name = 'n'.repeat(255)
  const path = partialPath(`/srv/${name}`, 'abcdef0123456789')
  t.match(path, /^\/srv\/\.stoker\.part\.[0-9a-f]{16}\.abcdef0123456789$/)
  t.not(path, partialPath(`/srv/${name.slice(1)}`, 'abcdef0123456789'))
  t.equal(idOf('abcdef0123456789ff'), 'abcdef0123456789')
  t.end()
})

t.test('only what a probe prints before all else is taken for kept', t => {
  const one = 'kept abcdef0123456789 12\n'
  t.strictSame(parsePartials(Buffer.from(`${one}kept *  \nme 0\n\n${one}`)), [{ id: 'abcdef0123456789', size: 12 }])
  t.strictSame(parsePartials(Buffer.from(`me 0\n${one}`)), [])
  t.strictSame(parsePartials(Buffer.from('kept ../../../etc/pass 12\n')), [])
  t.end()
})
