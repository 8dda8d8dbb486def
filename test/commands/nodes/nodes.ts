import { spawnSync } from 'node:child_process'
import t from 'tap'
import { nodes } from '../../../src/commands/nodes/nodes.ts'
import { expand } from '../../../src/nodeset/expand.ts'
import { groupsConf } from '../../fixtures/sites/groups-conf.ts'

const CONF = `
[Main]
default: site

[site]
map: case $GROUP in web) echo web[1-4];; db) echo db[1-2];; esac
all: echo web[1-4] db[1-2] mail
list: echo web db

[rack]
map: case $GROUP in r1) echo web[1-2];; r2) echo web[3-4] db1;; esac
list: echo r[1-2]
reverse: case $NODE in web1|web2) echo r1;; web3|web4|db1) echo r2;; esac

[pdu]
map: echo pdu-[0-3]
`

interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command line, its words separated by blanks; `\s` is a blank inside a word. */
const run = async (line: string, stdin = '', conf = CONF): Promise<Ran> => {
  let stdout = ''
  let stderr = ''
  const code = await nodes(
    line.split(' ').map(word => word.replaceAll('\\s', ' ')),
    {
      stdin: (async function* () {
        yield Buffer.from(stdin)
      })(),
      stdout: text => {
        stdout += text
      },
      stderr: text => {
        stderr += text
      },
      groups: async () => groupsConf(conf),
      version: '1.2.3',
    },
  )
  return { code, stdout, stderr }
}

const output = async (line: string, stdin?: string): Promise<string> => {
  const { code, stdout, stderr } = await run(line, stdin)
  t.equal(`${code} ${stderr}`, '0 ', `${line}: no complaint`)
  return stdout
}

t.test('node sets are folded, expanded and counted', async t => {
  for (const [line, expected] of [
    ['-f n1 n2 n4', 'n[1-2,4]\n'],
    ['--fold n[2-4],m', 'm,n[2-4]\n'],
    ['-e n[1-2] m', 'm n1 n2\n'],
    ['-e -S : n[1-2]', 'n1:n2\n'],
    ['-e -S \\n n[1-2]', 'n1\nn2\n'],
    ['-e -S \\x2c n[1-2]', 'n1,n2\n'],
    ['-c n[1-2] n[2-3]', '3\n'],
    ['-f a\nb\n\nc', 'a,b,c\n'],
    ['-f -- -', '\n'],
    ['-f n[1-3]!n2', 'n[1,3]\n'],
    ['-f (n[1-3],m)&(m,x)', 'm\n'],
  ] as const)
    t.equal(await output(line), expected, line)
})

t.test('operations apply in the order of the arguments', async t => {
  for (const [line, expected] of [
    ['-f n[1-5] -x n2', 'n[1,3-5]\n'],
    ['-f n[1-5] -x n2 n2', 'n[1-5]\n'],
    ['-f n[1-5] --exclude=n[1-2] -i n[2-4] m', 'm,n[3-4]\n'],
    ['-f n[1-3] -X n[3-5]', 'n[1-2,4-5]\n'],
    ['n[1-3] -xn1 -f', 'n[2-3]\n'],
    ['-a -f -x db*', 'mail,web[1-4]\n'],
  ] as const)
    t.equal(await output(line), expected, line)
})

t.test('standard input is read where there is no operand, and for a hyphen', async t => {
  t.equal(await output('-f', 'n1 n2\nn3 # n4\n'), 'n[1-3]\n')
  t.equal(await output('-f', 'n1'), 'n1\n', 'the last line may lack its end')
  t.equal(await output('-f', ''), '\n')
  t.equal(await output('-c', 'n[1-10] @web\n'), '14\n')
  t.equal(await output('-f -x n2', 'n[1-3]\n'), 'n[1,3]\n')
  t.equal(await output('-f n[1-3] -x -', 'n1 n3\n'), 'n2\n')
  t.equal(await output('-f a - b', 'n1\n'), 'a,b,n1\n')
})

t.test('an empty left side of an operation is warned about, unless asked not to', async t => {
  t.match(await run('-f -i foo foo'), {
    code: 0,
    stdout: 'foo\n',
    stderr: 'WARNING: empty left operand for set operation\n',
  })
  t.equal(await output('-q -f -i foo foo'), 'foo\n')
})

t.test('results are sliced, split, cut where they have gaps, and picked from', async t => {
  for (const [line, expected] of [
    ['-f -I 0-2,5 n[1-10]', 'n[1-3,6]\n'],
    ['-f -I0 n[8-10]', 'n8\n'],
    ['-f -I 9 n1', '\n'],
    ['-f --split=3 n[1-7]', 'n[1-3]\nn[4-5]\nn[6-7]\n'],
    ['-c --split 2 n[1-3]', '2\n1\n'],
    ['-f --contiguous n[1-2,4],m', 'm\nn[1-2]\nn4\n'],
    ['-f --contiguous dc[1,3]n[1-2]', 'dc1n[1-2]\ndc3n[1-2]\n'],
    ['-c --pick 2 n[1-9]', '2\n'],
    ['-c --pick 20 n[1-9]', '9\n'],
  ] as const)
    t.equal(await output(line), expected, line)
  const picked = (await output('-e --pick=3 n[1-9]')).trim().split(' ')
  t.equal(new Set(picked).size, 3)
  t.ok(new Set(picked).isSubsetOf(new Set(expand('n[1-9]'))))
})

t.test('output is formatted, before nodes are folded', async t => {
  for (const [line, expected] of [
    ['-f -O %s-ib0 n[1-2]', 'n[1-2]-ib0\n'],
    ['-e -O <%s> n[1-2]', '<n1> <n2>\n'],
    ['-e -O %-4s| n[9-10]', 'n9  | n10 |\n'],
    ['-c -O %03d%% n[1-2]', '002%\n'],
    ['-r -O {%s} web[1-4]', '{@web}\n'],
  ] as const)
    t.equal(await output(line), expected, line)
  for (const [format, message] of [
    ['none', /not all arguments converted.*-O 'none'/],
    ['%s%s', /not enough arguments/],
    ['%d', /%d format: a real number is required/],
    ['%y', /unsupported format character/],
  ] as const)
    t.match(await run(`-e -O ${format} a`), { code: 1, stderr: message }, format)
})

t.test('steps and the places of ranges can be chosen', async t => {
  for (const [line, expected] of [
    ['-f --autostep=3 n[1-5/2]', 'n[1-5/2]\n'],
    ['-f --autostep=4 n[1-5/2]', 'n[1,3,5]\n'],
    ['-f --autostep=auto n[1-5/2]', 'n[1-5/2]\n'],
    ['-f --autostep=auto n[1-5/2] m', 'm,n[1,3,5]\n'],
    ['-f --autostep=75% n[1-5/2] m', 'm,n[1-5/2]\n'],
    ['-f --axis=1 a[1-2]b[1-2]', 'a[1-2]b1,a[1-2]b2\n'],
    ['-f --axis=-1 a[1-2]b[1-2]', 'a1b[1-2],a2b[1-2]\n'],
  ] as const)
    t.equal(await output(line), expected, line)
})

t.test('bare numbers are computed with as well', async t => {
  for (const [line, expected] of [
    ['-R -f 1,3 2', '1-3\n'],
    ['-R -f 1-10 -x 5-20 -X 1,30', '2-4,30\n'],
    ['-R -e 08-10 -3--2', '-3 -2 08 09 10\n'],
    ['-R -c 1-100,50', '100\n'],
    ['-R -f --contiguous 1-2,4', '1-2\n4\n'],
    ['-R -f --autostep=3 1,3,5', '1-5/2\n'],
  ] as const)
    t.equal(await output(line), expected, line)
})

t.test('groups are listed, with their nodes and counts', async t => {
  for (const [line, expected] of [
    ['-l', '@db\n@web\n'],
    ['-ll', '@db db[1-2]\n@web web[1-4]\n'],
    ['-lll', '@db db[1-2] 2\n@web web[1-4] 4\n'],
    ['-l -s rack', '@rack:r1\n@rack:r2\n'],
    ['-lG -s rack', '@r1\n@r2\n'],
    ['-l web1 db2', '@db\n@web\n'],
    ['-lll web[1-2] db2', '@db db2 1/2\n@web web[1-2] 2/4\n'],
    ['-ll -s rack web1', '@rack:r1 web1\n'],
    ['-l nobody', ''],
    ['-l -a -x web*', '@db\n'],
    ['-r -a', '@db,@web,mail\n'],
    ['-r -s rack web[1-4] db1', '@rack:r[1-2]\n'],
    ['-r -G -s rack web[1-2]', '@r1\n'],
    ['--groupsources', 'site (default)\nrack\npdu\n'],
    ['--list-sources -q -s rack', 'rack\nsite\npdu\n'],
    ['--completion', '@site:\n@rack:\n@pdu:\n@db\n@web\n'],
    ['--completion -s rack n[1-2]', '@rack:r1\n@rack:r2\nn1 n2\n'],
  ] as const)
    t.equal(await output(line), expected, line)
})

t.test('a source which cannot list its groups is skipped among all, an error by itself', async t => {
  t.match(await run('-L'), {
    code: 0,
    stdout: '@db\n@web\n@rack:r1\n@rack:r2\n',
    stderr: 'Warning: No list upcall defined for group source pdu\n',
  })
  t.match(await run('-l -s pdu'), {
    code: 1,
    stdout: /^$/,
    stderr: 'stoker nodes: No list upcall defined for group source "pdu"\n',
  })
})

t.test('without groups, nothing asks for them', async t => {
  t.match(await run('-f n1 n2', '', '[broken'), { code: 0, stdout: 'n[1-2]\n' })
  t.match(await run('-L', '', '[broken'), { code: 1, stderr: /^stoker nodes: .*'\[broken'\n$/s })
  t.match(await run('-L', '', ''), { code: 0, stdout: /^$/, stderr: /^$/ })
  t.match(await run('-f @web', '', ''), { code: 1, stderr: 'stoker nodes: Unknown group source: "<default>"\n' })
})

t.test('what cannot be computed is said on stderr, with exit code 1', async t => {
  for (const [line, stderr] of [
    ['-f n[5-3]', /^stoker nodes: Parse error: "n\[5-3\]", column 3: the range goes from 5 down to 3/],
    ['-c n[0-999999999]', /at most 1000000/],
    ['-c n[1-600000] m[1-600000]', /more than 1000000 names in one set/],
    ['-f @nosuch:x', /^stoker nodes: Unknown group source: "nosuch"\n$/],
    ['-s nosuch -f a', /^stoker nodes: Unknown group source: "nosuch"\n$/],
    ['-f ^/nosuch', /^stoker nodes: Parse error: .*\/nosuch/],
    ['-f -I x a', /^stoker nodes: Parse error: "x", column 1: bad range/],
    ['-f --pick=-1 a', /^stoker nodes: --pick: -1 is negative/],
  ] as const)
    t.match(await run(line), { code: 1, stderr }, line)
})

t.test('a wrong command line is answered with the usage, and exit code 2', async t => {
  for (const [line, problem] of [
    ['a', 'No command specified.'],
    ['-f -e a', 'Multiple commands not allowed.'],
    ['-f -z', 'no such option: -z'],
    ['-f --nosuch', 'no such option: --nosuch'],
    ['-f --ex a', 'ambiguous option: --ex (--exclude, --expand?)'],
    ['-f -x', '-x option requires 1 argument'],
    ['-f --quiet=1', '--quiet option does not take a value'],
    ['-f --split=x a', "option --split: invalid integer value: 'x'"],
    ['-f --autostep=x a', "option --autostep: invalid value: 'x', should be node count, node percentage or 'auto'"],
    ['-f --split=2 --contiguous a', 'incompatible splitting options (split, contiguous)'],
    ['-e --axis=1 a', '--axis option is only supported when folding nodeset'],
    ['-R -r 1', '-a/-r only supported in NodeSet mode'],
  ] as const)
    t.match(
      await run(line),
      {
        code: 2,
        stdout: /^$/,
        stderr: `Usage: stoker nodes [COMMAND] [OPTIONS] [ns1 [-ixX] ns2|...]\n\nstoker nodes: error: ${problem}\n`,
      },
      line,
    )
  t.equal(await output('--fo b --inter b'), 'b\n', 'a long option may be shortened')
})

t.test('help and version are printed', async t => {
  t.match(await output('--help'), /^Usage: stoker nodes .*-x NODES, --exclude=NODES +take these nodes out/s)
  t.equal(await output('--version'), 'stoker nodes 1.2.3\n')
})

t.test('the questions to group sources are told with --debug', async t => {
  t.match(await run('-d -f @web'), { code: 0, stdout: 'web[1-4]\n', stderr: 'DEBUG: asking for @site:web\n' })
})

const nodeset = spawnSync('nodeset', ['--version'])

t.test('nodeset(1) says the same', { skip: nodeset.error ? 'nodeset is not installed' : false }, async t => {
  for (const args of [
    ['-f', 'n[1-5]', '-x', 'n2', 'm', '-X', 'm,x'],
    ['-e', 'n[1-3]-ib[0-1]', 'n5-ib0'],
    ['-f', 'a[1-3]b[1-4]!a2b[2-3]'],
    ['-f', '--autostep=3', 'n[1-20/3],n[2,4]'],
    ['-f', '--contiguous', 'n[1-2,4]x[1-3/2]'],
    ['-c', '--split=3', 'n[1-10]'],
    ['-f', '-I', '2-5,7', 'n[01-10]', 'm'],
    ['-R', '-f', '1-10,20', '-x', '3-4'],
    ['-f', '-O', '%s.example', 'n1', 'n2'],
  ]) {
    const theirs = spawnSync('nodeset', args, { encoding: 'utf8', input: '' })
    const ours = await run(args.join(' '))
    t.equal(ours.stdout, theirs.stdout, args.join(' '))
    t.equal(ours.code, theirs.status ?? -1, args.join(' '))
  }
})
