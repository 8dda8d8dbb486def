import t from 'tap'
import { parseSshWords } from '../../../src/connection/ssh-config/command-line.ts'
import { loadSshConfig } from '../../../src/connection/ssh-config/ssh-config.ts'

const { signal } = new AbortController()

t.test('words for ssh as lines of ssh_config', async t => {
  for (const [words, lines] of [
    ['-p 2022', ['Port 2022']],
    ['-p2022 -ibob', ['Port 2022', 'IdentityFile bob']],
    ['-axp 22', ['Port 22']],
    ['-oStrictHostKeyChecking=no -o BatchMode=yes', ['StrictHostKeyChecking=no', 'BatchMode=yes']],
    ['-4 -J bob@gate:22 -C', ['AddressFamily inet', 'ProxyJump bob@gate:22', 'Compression yes']],
    ['-q -T -vvv -2 -x', []],
  ] as const)
    t.strictSame(parseSshWords(words.split(' ')).lines, lines, words)
  t.strictSame(parseSshWords(['-i', '/my keys/$&"a"']).lines, ['IdentityFile "/my keys/$&\\"a\\""'])
})

t.test('user, port and file are known by themselves; the first one counts', async t => {
  t.match(parseSshWords(['-l', 'bob', '-o', 'User=eve', '-p', '2022', '-F', '/x']), {
    user: 'bob',
    port: 2022,
    file: '/x',
  })
  t.match(parseSshWords(['-o', 'port 23', '-o', 'user "eve"']), { user: 'eve', port: 23, file: undefined })
  t.strictSame(parseSshWords([]).lines, [])
})

t.test('what a run cannot do is refused, and the word is named', async t => {
  for (const words of ['-t', '-L 1:h:2', '-N', '-S /x', 'host', '--', '-i', '-p x', '-p 70000', '-o Port=0'])
    t.throws(() => parseSshWords(words.split(' ')), { code: 'USAGE' }, words)
  t.throws(() => parseSshWords(['-D', '1080']), { message: /"-D"/ })
})

t.test('lines of a command line come before those of the files, for every host', async t => {
  const folder = t.testdir({ config: 'Host a\n Port 1\n User bob\nHost *\n HostName real\n' })
  const lookup = async (lines: readonly string[]) => {
    const files = { userFile: `${folder}/config`, systemFile: '/dev/null' }
    return (await loadSshConfig({ ...files, lines, warn: () => {} }, { signal })).lookup('a')
  }
  t.match(await lookup([]), { port: 1, user: 'bob', hostName: 'real' })
  t.match(await lookup(['Port 2022', 'Port 7']), { port: 2022, user: 'bob', hostName: 'real' })
  t.match(await lookup(['Hostname=there']), { port: 1, hostName: 'there' })
  await t.rejects(lookup(['User bob', 'Port x']), { code: 'CONFIG', message: /option for ssh:2:/ })
})
