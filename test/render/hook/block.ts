import t from 'tap'
import { addBlock, findBlock, removeBlock, replaceBlock } from '../../../src/render/hook/block.ts'

const BODY = 'echo one\necho two\n'

const ours = (file: string) => {
  const found = findBlock(file, 'dhcpd')
  if (found.kind !== 'ours') throw new Error(`not ours: ${JSON.stringify(found)}`)
  return found
}

t.test('what is taken out leaves the file as it was, byte for byte', async t => {
  const files = [undefined, '', 'A=1\n', 'A=1', '\n\n', '# \u00ff\u0080\r\n', 'A=1\n# <<< stoker hook other <<<\n', ' ']
  for (const file of files) {
    const hooked = addBlock(file, 'dhcpd', BODY)
    t.match(hooked, BODY, JSON.stringify(file))
    t.equal(removeBlock(hooked, ours(hooked)), file, JSON.stringify(file))
  }
})

t.test('a body is replaced where it stands, and what it was added to is not forgotten', async t => {
  for (const file of [undefined, 'A=1\n', 'A=1']) {
    const hooked = addBlock(file, 'dhcpd', BODY, true)
    const again = replaceBlock(hooked, 'dhcpd', ours(hooked), 'echo three\n')
    t.equal(ours(again).body, 'echo three\n')
    t.equal(ours(again).joint, ours(hooked).joint)
    t.equal(removeBlock(again, ours(again)), file)
    t.equal(replaceBlock(again, 'dhcpd', ours(again), BODY), hooked)
  }
})

t.test('lines which somebody wrote before and behind the block stay', async t => {
  const hooked = addBlock('A=1', 'dhcpd', BODY)
  const more = `# mine\n${hooked}B=2\n`
  t.equal(removeBlock(more, ours(more)), '# mine\nA=1\nB=2\n', 'a line added behind stays a line of its own')
  const created = `${addBlock(undefined, 'dhcpd', BODY)}B=2\n`
  t.equal(removeBlock(created, ours(created)), 'B=2\n', 'the file was ours, and is not any more')
})

t.test('an edited block is told with its line, never taken for ours', async t => {
  const hooked = addBlock('A=1\n\n', 'dhcpd', BODY)
  const edits: Readonly<Record<string, (text: string) => string>> = {
    'another command': text => text.replace('echo two', 'echo 2'),
    'a line more': text => text.replace('echo two\n', 'echo two\necho three\n'),
    'no checksum': text => text.replace(/# sum.*\n/, ''),
    'another joint': text => text.replace('added to a file', 'added to a new file'),
    'a nonsense joint': text => text.replace('added to a file', 'added to a house'),
    'the first line gone': text => text.replace(/# >>>.*\n/, ''),
    'the last line gone': text => text.replace(/# <<<.*\n/, ''),
    'the last line cut': text => text.slice(0, -1),
    'the block twice': text => text + text.slice(text.indexOf('# >>>')),
    'the ends swapped': text => {
      const lines = text.split('\n')
      const [from, to] = [lines.findIndex(line => line.startsWith('# >>>')), lines.length - 2]
      return lines
        .with(from, lines[to] ?? '')
        .with(to, lines[from] ?? '')
        .join('\n')
    },
  }
  for (const [what, edit] of Object.entries(edits)) {
    const found = findBlock(edit(hooked), 'dhcpd')
    t.equal(found.kind, 'changed', what)
    if (found.kind === 'changed') t.ok(found.line >= 3, what)
  }
  t.equal(findBlock('A=1\n', 'dhcpd').kind, 'absent')
  t.equal(findBlock(hooked, 'dnsmasq').kind, 'absent', 'the block of another service')
})
