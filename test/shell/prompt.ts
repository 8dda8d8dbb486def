import t from 'tap'
import { promptOf } from '../../src/shell/prompt.ts'
import { target, targets } from '../fixtures/report/events.ts'

t.test('the prompt is the folded set, and says how many are not connected', async t => {
  t.equal(promptOf(targets('web', 40), 0), 'web[1-40]> ')
  t.equal(promptOf(targets('web', 40), 2), 'web[1-40], 2 down> ')
  t.equal(promptOf([], 0), '(no targets)> ')
})

t.test('a prompt of many names is cut, with their number', async t => {
  const many = ['alpha', 'bravo', 'charlie', 'delta', 'echo', 'foxtrot', 'golf', 'hotel'].map(name => target(name))
  t.equal(promptOf(many, 0), 'alpha,bravo,charlie,delta,echo,foxtro... (8)> ')
})
