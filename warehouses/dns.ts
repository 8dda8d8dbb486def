/**
 * The `dns` warehouse: host names and addresses as they are, in the way of ssh. It knows no groups, and is asked only for
 * names which no other warehouse knows.
 */
import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { Abortable } from '../src/base/abortable.ts'
import { orAborted } from '../src/base/abortable.ts'
import { StokerError } from '../src/base/errors.ts'
import type { NodeName } from '../src/base/names.ts'
import { mapping, parseOptions } from '../src/config/shape.ts'
import type { NodeFacts, WarehouseFactory } from '../src/inventory/warehouse.ts'

/** What ssh_config says about a name. */
export interface NameSettings {
  /** `HostName`, where it is another than the name itself. */
  readonly hostName?: string
  readonly port?: number
  /** Somebody has written about this very host; a pattern for all hosts does not count. */
  readonly matched: boolean
  /** It is reached by way of another host, whose resolver counts and not ours. */
  readonly viaJump: boolean
}

export interface DnsDependencies {
  readonly settings: (name: string, io: Abortable) => Promise<NameSettings>
  /** All addresses of a name, the preferred one first; rejects as `getaddrinfo` does. Default: the system's resolver. */
  readonly lookup?: (name: string) => Promise<readonly string[]>
}

/** The system's resolver has a few threads for all; more questions at once would only wait there. */
const AT_ONCE = 16

const schema = mapping({})

/** No options. */
export const dnsWarehouse = ({ settings, lookup = systemLookup }: DnsDependencies): WarehouseFactory => {
  return (options, { name: warehouse }) => {
    parseOptions(schema, options)

    const ask = async (name: NodeName, io: Abortable): Promise<NodeFacts | undefined> => {
      io.signal.throwIfAborted()
      const { hostName, port, matched, viaJump } = await settings(name, io)
      const host = hostName ?? name
      const facts = (addresses: readonly string[]): NodeFacts => ({
        name,
        addresses,
        ...(port !== undefined && { port }),
      })
      if (isIP(host) || viaJump) return facts([host])
      // The system's resolver reads "1" as 0.0.0.1; nobody who types it means that.
      const addresses = NUMERIC.test(host) ? [] : await resolved(host, warehouse, lookup, io)
      // The name first: known_hosts knows the machine by it, as ssh would. The addresses tell whether two names are one machine.
      if (addresses.length > 0) return facts([host, ...addresses])
      // A host which ssh_config describes is a known one, also while its name has no address: it is unreachable then.
      return matched && hostName !== undefined ? facts([host]) : undefined
    }

    return {
      name: warehouse,
      lastResort: true,
      async members(_group, { signal }) {
        signal.throwIfAborted()
        return undefined
      },
      async nodes(names, { signal }) {
        signal.throwIfAborted()
        const found = new Map<NodeName, NodeFacts>()
        const failed = new AbortController()
        const io = { signal: AbortSignal.any([signal, failed.signal]) }
        const waiting = new Set(names).values()
        const worker = async () => {
          for (const name of waiting) {
            const facts = await ask(name, io)
            if (facts) found.set(name, facts)
          }
        }
        try {
          await Promise.all(Array.from({ length: AT_ONCE }, worker))
          return found
        } finally {
          // One question failed: the others need not go on.
          failed.abort()
        }
      },
      async [Symbol.asyncDispose]() {},
    }
  }
}

const NUMERIC = /^(?:0x[\da-f]+|\d+)(?:\.(?:0x[\da-f]+|\d+))*$/i

/** `[]`: there is no such name. Any other failure says nothing about the name, only that the resolver is broken. */
const resolved = async (
  host: string,
  warehouse: string,
  lookup: NonNullable<DnsDependencies['lookup']>,
  io: Abortable,
): Promise<readonly string[]> => {
  try {
    return await orAborted(lookup(host), io)
  } catch (cause) {
    io.signal.throwIfAborted()
    const { code = '', message } = cause as NodeJS.ErrnoException
    if (code === 'ENOTFOUND') return []
    const reason = code === 'EAI_AGAIN' ? 'the name server does not answer' : message
    throw new StokerError(
      'WAREHOUSE_FAILED',
      warehouse,
      `cannot look up ${host}: ${reason}; check the resolver, or write its address`,
      { cause },
    )
  }
}

const systemLookup = async (name: string): Promise<readonly string[]> => {
  const answers = await lookup(name, { all: true })
  return [...new Set(answers.map(({ address }) => address))]
}
