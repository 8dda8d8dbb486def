/** `stoker dshbak` and the real dshbak: the same lines, the same blocks. */
import { readdir, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { stoker } from '../../fixtures/program/cli.ts'
import { theirTool } from '../../fixtures/program/tools.ts'
import { type Random, seeded } from '../../fixtures/seeded.ts'
import { need } from '../../fixtures/servers/debian.ts'

interface Both {
  readonly theirs: string
  readonly ours: string
}

const run = async (words: readonly string[], stdin: string): Promise<Both> => {
  const [theirs, ours] = await Promise.all([
    theirTool('dshbak', words, { stdin, cwd: tmpdir() }),
    stoker(['dshbak', ...words], { stdin }),
  ])
  return { theirs: theirs.stdout, ours: ours.stdout }
}

/** Hosts without a number come in Perl's order of the day, and so do endings of names: blocks and hosts are put in one. */
const blocks = (text: string): readonly string[] =>
  text
    .split(/^-{16}\n(?=.*\n-{16}\n)/m)
    .map(block => {
      const [hosts = '', ...rest] = block.split('\n')
      return [
        [...hosts.matchAll(/(?:\[[^\]]*\]|[^,[])+/g)]
          .map(([host]) => host)
          .sort()
          .join(','),
        ...rest,
      ].join('\n')
    })
    .sort()

const HOSTS = [
  'n1',
  'n2',
  'n3',
  'n9',
  'n10',
  'n11',
  'n09',
  'n010',
  'web',
  'web-ib0',
  'web-ib1',
  'a1b',
  'a2b',
  '10.0.0.1',
  'n099',
  'n100',
]

const randomOutput = (random: Random): string => {
  const hosts = HOSTS.filter(() => random.below(2) === 0)
  const lines = hosts.flatMap(host => {
    const kind = random.below(3)
    return [`${host}: a`, `${host}: kind ${kind}`, ...(random.below(3) === 0 ? [`${host}:`, `  ${host} :  x: y`] : [])]
  })
  return lines.map(line => `${line}\n`).join('')
}

t.test('as the real dshbak has it', async t => {
  if (!need(t, 'dshbak', 'pdsh')) return
  const random = seeded(t)
  const texts = [
    '',
    'n1: a\nn2: a\n',
    'n2: b\nn1: a\nn1: c\nn10: a\n',
    'n1: \nn1:\nn1:x\nn2:   y\n  n3 : z\n',
    'n9: x\nn10: x\nn11: x\nn13: x\nn08: x\nn09: x\n',
    'web-ib0: x\nweb-ib1: x\nweb: x\n',
    ...Array.from({ length: 20 }, () => randomOutput(random)),
  ]
  for (const text of texts)
    for (const words of [[], ['-c']]) {
      const { theirs, ours } = await run(words, text)
      t.strictSame(blocks(ours), blocks(theirs), `${words.join(' ')} ${JSON.stringify(text)}`)
    }
})

t.test('in the order of the numbers, and then of the names', async t => {
  const { stdout } = await stoker(['dshbak'], { stdin: 'n10: a\nn2: b\nb: c\na: d\n' })
  t.strictSame(
    [...stdout.matchAll(/^-{16}\n(\w+)\n-{16}$/gm)].map(([, host]) => host),
    ['a', 'b', 'n2', 'n10'],
  )
})

t.test('a last line without its end is not lost, and bytes stay as they are', async t => {
  const rule = '-'.repeat(16)
  const { stdout } = await stoker(['dshbak', '-c'], { stdin: 'n1: é\nn1: end' })
  t.equal(stdout, `${rule}\nn1\n${rule}\né\nend\n`)
})

t.test('a file for each host', async t => {
  const folder = join(t.testdir({}), 'new/deep')
  const text = 'n1: a\nn2: b\nn1: c\n'
  t.match(await stoker(['dshbak', '-d', folder], { stdin: text }), { code: 1, stderr: /does not exist/ })
  t.match(await stoker(['dshbak', '-f', '-d', folder], { stdin: text }), { code: 0, stdout: /^$/ })
  t.strictSame((await readdir(folder)).sort(), ['n1', 'n2'])
  t.equal(await readFile(join(folder, 'n1'), 'utf8'), 'a\nc\n')
  const out = await stoker(['dshbak', '-d', folder], { stdin: '../../out: a\n' })
  t.match(out, { code: 1, stderr: /no name of a host/ })
})

t.test('flags which do not go together', async t => {
  t.match(await stoker(['dshbak', '-c', '-d', '/tmp'], { stdin: '' }), { code: 1, stderr: /^dshbak: Fatal: Do not/ })
  t.match(await stoker(['dshbak', '-f'], { stdin: '' }), { code: 1, stderr: /^dshbak: Fatal: Option -f/ })
  t.match(await stoker(['dshbak', '-z'], { stdin: '' }), { stderr: /^Unknown option: z\nUsage: dshbak/ })
})
