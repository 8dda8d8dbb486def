import t from 'tap'
import { makeSealKey, sealFor, unseal } from '../../../src/pulley/protocol/sealed.ts'

t.test('only the node can open what was sealed to it, and only for its purpose', async t => {
  const [mine, other] = [await makeSealKey(), await makeSealKey()]
  const value = Buffer.from('{"password":"hush \0 é"}')
  const sealed = await sealFor(mine.publicKey, 'blue n-1 7', value)
  t.notMatch(sealed, /hush/)
  t.not(await sealFor(mine.publicKey, 'blue n-1 7', value), sealed)
  t.ok(value.equals(await unseal(mine.privateKey, 'blue n-1 7', sealed)))
  await t.rejects(unseal(other.privateKey, 'blue n-1 7', sealed), { code: 'UNTRUSTED' })
  await t.rejects(unseal(mine.privateKey, 'blue n-1 8', sealed), { code: 'UNTRUSTED' })
  await t.rejects(unseal(mine.privateKey, 'blue n-1 7', `${sealed.slice(0, -2)}AA`), { code: 'UNTRUSTED' })
  await t.rejects(unseal(mine.privateKey, 'blue n-1 7', 'x'), { code: 'UNTRUSTED' })
  await t.rejects(sealFor('short', 'blue n-1 7', value), { code: 'UNTRUSTED' })
})
