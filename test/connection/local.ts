import t from 'tap'
import { localConnection } from '../../src/connection/local.ts'
import { listProcesses } from '../../src/lab/processes.ts'
import { capture, connectionContract } from '../fixtures/contracts/connection.ts'

const folder = t.testdir({})
connectionContract(t, {
  connect: async () => localConnection('here'),
  folder,
  survivors: async text => (await listProcesses()).filter(({ command }) => command.includes(text)),
})

t.test('variables are added to the environment', async t => {
  await using connection = localConnection('here', { environment: { STOKER_NODE: "it's" } })
  t.equal((await capture(connection, 'printf %s "$STOKER_NODE"')).stdout, "it's")
})
