/** The targets: a fleet of real sshd, in an inventory as a person writes it. */
import { writeFile } from 'node:fs/promises'
import { fold } from '../../src/nodeset/fold.ts'
import { type Fleet, type FleetOptions, startFleet } from '../../test/fixtures/servers/sshd.ts'

export type { Fleet } from '../../test/fixtures/servers/sshd.ts'

/** Starts a fleet whose inventory has one line for each network instead of one for each target. */
export const startTargets = async (options: FleetOptions): Promise<Fleet> => {
  const fleet = await startFleet(options)
  const networks = Map.groupBy(fleet.targets, ({ address }) => address.replace(/\d+$/, ''))
  const lines = [...networks.values()].map(targets => {
    const [first] = targets
    const names = fold(targets.map(({ name }) => name))
    const addresses = fold(targets.map(({ address }) => address))
    return `  "${names}": {address: "${addresses}", port: ${first?.port}, user: "${first?.user}"}\n`
  })
  await writeFile(fleet.inventory, `nodes:\n${lines.join('')}`)
  return fleet
}
