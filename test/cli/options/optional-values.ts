import t from 'tap'
import { withBecomeUser } from '../../../src/cli/options/optional-values.ts'

const takesValue = (word: string) => ['--config', '-f', '--exclude'].includes(word)
const words = (text: string, needed = 3) => withBecomeUser(text.split(' '), needed, takesValue).join(' ')

t.test('a word after --become is a user only when all that is needed stands before it', async t => {
  for (const [given, expected] of [
    ['run --become shell web1 -- id', 'run --become= shell web1 -- id'],
    ['run shell --become web1 -- id', 'run shell --become= web1 -- id'],
    ['run shell web1 --become www -- id', 'run shell web1 --become www -- id'],
    ['run shell web1 --become -- id', 'run shell web1 --become -- id'],
    ['run shell web1 --become -f 3', 'run shell web1 --become -f 3'],
    ['run shell web1 --become', 'run shell web1 --become'],
    ['--config x run -f 3 shell web1 --become www', '--config x run -f 3 shell web1 --become www'],
    ['run -f 3 --config x --become shell web1', 'run -f 3 --config x --become= shell web1'],
    ['run shell web1 -- echo --become www', 'run shell web1 -- echo --become www'],
    ['run shell web1 --become=www web2', 'run shell web1 --become=www web2'],
  ] as const)
    t.equal(words(given), expected)
  t.equal(words('apply site.yaml --become @web', 2), 'apply site.yaml --become= @web')
  t.equal(words('apply --become site.yaml @web', 2), 'apply --become= site.yaml @web')
})
