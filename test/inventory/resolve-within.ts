import t from 'tap'
import { resolveWithin } from '../../src/inventory/resolve-within.ts'
import { parseExpression } from '../../src/nodeset/syntax/parse.ts'
import { memory } from '../fixtures/sites/memory.ts'

const { signal } = new AbortController()
const site = memory({
  name: 'site',
  nodes: { web1: { aliases: ['www'] }, web2: {}, web3: { macs: ['52:54:00:00:00:03'] }, db1: {} },
  groups: { web: ['web1', 'web2', 'web3'], all: ['@web', 'db1'] },
})
const other = memory({ name: 'other', nodes: { third: { macs: ['5254.0000.0003'] } }, groups: {} })
const within = async (text: string, ...others: readonly string[]) => {
  const found = await resolveWithin(parseExpression(text), others.map(parseExpression), [site, other], { signal })
  return {
    targets: found.targets.map(({ name }) => name),
    within: found.within.map(set => [...set].map(({ name }) => name)),
  }
}

t.test('which of the targets other expressions mean, by whatever name they call them', async t => {
  t.strictSame(await within('@web'), { targets: ['web1', 'web2', 'web3'], within: [] })
  t.strictSame(await within('@web', 'www', '@all!web2', 'db1', 'third'), {
    targets: ['web1', 'web2', 'web3'],
    within: [['web1'], ['web1', 'web3'], [], ['web3']],
  })
  t.strictSame(await within('web1,db1!db1', '@web^web3'), { targets: ['web1'], within: [['web1']] })
})

t.test('a name in any of them which nobody knows is refused', async t => {
  await t.rejects(within('@web', 'wbe1'), { code: 'UNKNOWN_NAME', message: /did you mean web1/ })
})
