import t from 'tap'
import { commandWords } from '../../../src/cli/options/command-words.ts'
import { pulleyProgram } from '../../../src/cli/pulley/program.ts'
import { stokerProgram } from '../../../src/cli/stoker/program.ts'
import { seeded } from '../../fixtures/seeded.ts'

const stoker = stokerProgram().program
const pulley = pulleyProgram({ signal: new AbortController().signal }).program
const words = (text: string, program = stoker) => commandWords(program, text.split(' ')).join(' ')

t.test('options end where the words of the action begin', async t => {
  for (const [given, expected] of [
    ['run shell h1 ls -la /', 'run shell h1 -- ls -la /'],
    ['run shell h1 tail -n 3 num', 'run shell h1 -- tail -n 3 num'],
    ['run shell h1 -- ls -la /', 'run shell h1 -- ls -la /'],
    ['run shell h1 -b -f 5 ls -la', 'run shell h1 -b -f 5 -- ls -la'],
    ['run shell h1 -bf 5 ls -la', 'run shell h1 -bf 5 -- ls -la'],
    ['run shell h1 -f5 ls -la', 'run shell h1 -f5 -- ls -la'],
    ['run shell h1 --fanout=5 ls -la', 'run shell h1 --fanout=5 -- ls -la'],
    ['run -b shell -f 5 h1 ls -b', 'run -b shell -f 5 h1 -- ls -b'],
    ['run shell h1 git checkout -- file', 'run shell h1 -- git checkout -- file'],
    ['run shell h1 -f 5 -- -l x', 'run shell h1 -f 5 -- -l x'],
    ['run -- shell h1 ls -l', 'run -- shell h1 ls -l'],
    ['run copy h1 source=a dest=b --help', 'run copy h1 -- source=a dest=b --help'],
    ['run reboot h1', 'run reboot h1'],
    ['--config x run shell h1 echo --config', '--config x run shell h1 -- echo --config'],
    ['--config run run shell h1 echo -b', '--config run run shell h1 -- echo -b'],
    ['lab stoker run shell lab01 -- id', 'lab -- stoker run shell lab01 -- id'],
    // Words of ours, not of an action.
    ['render dhcpd --diff', 'render dhcpd --diff'],
    ['runs show 1 web1 --json', 'runs show 1 web1 --json'],
    ['apply site.yaml @web --check', 'apply site.yaml @web --check'],
  ] as const)
    t.equal(words(given), expected, given)
  t.equal(words('send shell --to @web ls -la', pulley), 'send shell --to @web -- ls -la')
  t.equal(words('send package --to @web -- name=x', pulley), 'send package --to @web -- name=x')
})

t.test('a word after --become is a user only where it can be nothing else', async t => {
  for (const [given, expected] of [
    ['run --become shell web1 -- id', 'run --become= shell web1 -- id'],
    ['run shell --become web1 -- id', 'run shell --become= web1 -- id'],
    ['run shell web1 --become www -- id', 'run shell web1 --become www -- id'],
    ['run shell web1 --become -- id', 'run shell web1 --become= -- id'],
    ['run shell web1 --become -f 3', 'run shell web1 --become= -f 3'],
    ['run shell web1 --become', 'run shell web1 --become='],
    ['run shell web1 --become id -u', 'run shell web1 --become= -- id -u'],
    ['run shell web1 --become=www id -u', 'run shell web1 --become=www -- id -u'],
    ['--config x run -f 3 shell web1 --become www', '--config x run -f 3 shell web1 --become www'],
    ['run -f 3 --config x --become shell web1', 'run -f 3 --config x --become= shell web1'],
    ['run shell web1 -- echo --become www', 'run shell web1 -- echo --become www'],
    ['run shell web1 echo --become www', 'run shell web1 -- echo --become www'],
    ['apply site.yaml --become @web', 'apply site.yaml --become= @web'],
    ['apply site.yaml @web --become www', 'apply site.yaml @web --become www'],
    ['apply --become site.yaml @web', 'apply --become= site.yaml @web'],
    ['run --confirm shell web1 id', 'run --confirm= shell web1 -- id'],
    ['run --confirm 5 shell web1 id', 'run --confirm 5 shell web1 -- id'],
  ] as const)
    t.equal(words(given), expected, given)
})

t.test('whatever the words of an action are, they come through', async t => {
  const random = seeded(t)
  const pool = [
    'ls',
    '-l',
    '-la',
    '--',
    '',
    ' ',
    '--become',
    '--confirm',
    '-f',
    '5',
    '-b',
    '--json',
    'a b',
    '"',
    '-',
    '\n',
    '--x=y',
  ]
  for (let round = 0; round < 500; round += 1) {
    const tail = Array.from({ length: random.below(6) }, () => random.oneOf(pool))
    const given = ['run', '-b', 'shell', 'h1', 'echo', ...tail]
    t.strictSame(commandWords(stoker, given), ['run', '-b', 'shell', 'h1', '--', 'echo', ...tail])
  }
})
