/** The nodes of a VO: who has enrolled with its pulley server, by name, and by role. */
import { homedir } from 'node:os'
import { join } from 'node:path'
import { sharedWork } from '../src/base/abortable.ts'
import { toStokerError } from '../src/base/errors.ts'
import { resolvePath } from '../src/config/resolve-path.ts'
import { mapping, parseOptions, text } from '../src/config/shape.ts'
import type { Warehouse, WarehouseFactory } from '../src/inventory/warehouse.ts'
import { administer } from '../src/pulley/client/admin.ts'
import { type Roster, rosterWarehouse } from '../src/pulley/client/roster.ts'
import type { Node, Token } from '../src/pulley/store/store.ts'

const options = mapping({
  vo: text.describe('the virtual organisation'),
  keys: text.optional().describe('folder with its key and the place of its server; default ~/.config/pulley'),
  key: text.optional().describe('its private key, when it is elsewhere'),
})

/** Asks the server once; roles are groups, and `@all` is everybody. Nodes which are out are not there. */
export const pulley: WarehouseFactory = (given, { name, folder }) => {
  const { vo, keys, key } = parseOptions(options, given)
  const path = (text: string) => resolvePath(text, folder, homedir())
  const keysFolder = keys === undefined ? join(homedir(), '.config', 'pulley') : path(keys)
  const roster = sharedWork(async io => {
    try {
      await using server = await administer(vo, keysFolder, key === undefined ? undefined : path(key))
      const all = (await server.json('GET', '/nodes', undefined, io)) as readonly Node[]
      const tokens = (await server.json('GET', '/tokens', undefined, io)) as readonly Token[]
      const nodes = all.filter(node => !node.revoked).map(node => ({ ...node, macs: node.fingerprint.macs }))
      return { nodes, roles: tokens.flatMap(token => token.roles) }
    } catch (thrown) {
      throw toStokerError(thrown, name, 'WAREHOUSE_FAILED')
    }
  })
  return rosterFor(name, roster)
}

type Ask = ReturnType<typeof sharedWork<Roster<Node & { readonly macs: readonly string[] }>>>

const rosterFor = (name: string, ask: Ask): Warehouse => {
  const over = (io: Parameters<Ask>[0]) => rosterWarehouse(name, () => ask(io), varsOf)
  return {
    name,
    members: (group, io) => over(io).members(group, io),
    nodes: (names, io) => over(io).nodes(names, io),
    groups: io => over(io).groups?.(io) ?? none(),
    all: io => over(io).all?.(io) ?? none(),
    async [Symbol.asyncDispose]() {},
  }
}

const varsOf = ({ serial, lastContact, version }: Node) => ({
  bundle: serial,
  lastContact: lastContact ?? null,
  version,
})

async function* none(): AsyncGenerator<never> {}
