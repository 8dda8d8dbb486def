import t from 'tap'
import { maskOutput, maskOwnNames } from '../../../src/report/text/mask.ts'
import { target } from '../../fixtures/report/events.ts'

t.test('own names and addresses are masked where they stand as words of their own', async t => {
  const web = target('web1', { names: ['web1', 'web1.example.org', 'www'], addresses: ['10.0.0.1', 'fe80::1%eth0'] })
  const cases: readonly (readonly [string, string])[] = [
    ['web1 said no', '<node> said no'],
    ['host web1.', 'host <node>.'],
    ['web1.example.org: refused (10.0.0.1:22)', '<node>: refused (<address>:22)'],
    ['[fe80::1%eth0]:22', '[<address>]:22'],
    ['web10, xweb1, web1-ib0, web1.example.com', 'web10, xweb1, web1-ib0, web1.example.com'],
    ['10.0.0.11 and 110.0.0.1 and 10.0.0.1.5', '10.0.0.11 and 110.0.0.1 and 10.0.0.1.5'],
    ['/srv/www/web1/log', '/srv/<node>/<node>/log'],
    ['nothing of its own', 'nothing of its own'],
  ]
  for (const [message, expected] of cases) t.equal(maskOwnNames(message, web), expected, message)
})

t.test('a name with characters which patterns know is taken literally', async t => {
  t.equal(maskOwnNames('a.b and axb', target('a.b')), '<node> and axb')
  t.equal(maskOwnNames('x++ and x', target('x++')), '<node> and x')
})

t.test('in output the own name is masked in more guises', async t => {
  const web = target('web1.example.org', { addresses: ['10.0.0.1'], macs: ['52:54:00:00:00:0a'] })
  const cases: readonly (readonly [string, string])[] = [
    ['web1', '<node>'],
    ['Web1.Example.ORG', '<node>'],
    ['web1.cluster.local', '<node>.cluster.local'],
    ['/var/log/web1.log', '/var/log/<node>.log'],
    ['inet 10.0.0.1/24', 'inet <address>/24'],
    ['10.0.0.1.5 and 10.0.0.10', '10.0.0.1.5 and 10.0.0.10'],
    ['ether 52:54:00:00:00:0A', 'ether <mac>'],
    ['web10, xweb1, web1-ib0', 'web10, xweb1, web1-ib0'],
  ]
  for (const [text, expected] of cases) t.equal(maskOutput(text, web), expected, text)
  t.equal(maskOutput('a cat', target('a.example.org')), 'a cat')
})
