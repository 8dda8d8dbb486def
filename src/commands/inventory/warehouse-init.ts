/** `stoker warehouse init NAME`: creates what a warehouse reads from, where its source has nothing yet. */
import type { Abortable } from '../../base/abortable.ts'
import { StokerError } from '../../base/errors.ts'
import { shown } from '../../base/names.ts'
import { nearest } from '../../base/nearest.ts'
import type { Warehouse } from '../../inventory/warehouse.ts'
import { standardSinks } from '../../report/sink.ts'
import { openSite } from '../../site/site.ts'

export interface WarehouseInitFlags {
  readonly config?: string
  /** Print the statements and run nothing: for whoever may create tables. */
  readonly print?: boolean
}

/** A warehouse which can create its own source. */
export interface Initialisable extends Warehouse {
  /** The statements which `init` runs, as text. */
  ddl(): string
  /** Creates what is not there; throws and changes nothing where somebody else's is there. */
  init(io: Abortable): Promise<{ readonly created: readonly string[]; readonly present: readonly string[] }>
}

/** Returns the exit code. Throws `USAGE` for a warehouse which is not there or has nothing to create. */
export const warehouseInit = async (name: string, flags: WarehouseInitFlags): Promise<number> => {
  const { stdout, stderr } = standardSinks()
  const io = { signal: stdout.gone }
  await using site = await openSite(flags, notice => void stderr.write(`stoker: ${notice}\n`), io)
  const warehouse = initialisable(site.warehouses, name)
  await stdout.write(flags.print === true ? warehouse.ddl() : formatInit(await warehouse.init(io)))
  await stdout.flush()
  return 0
}

/** The warehouse of that name, as one which can be initialised. Throws `USAGE`. */
export const initialisable = (warehouses: readonly Warehouse[], name: string): Initialisable => {
  const warehouse = warehouses.find(one => one.name === name)
  if (warehouse && isInitialisable(warehouse)) return warehouse
  if (warehouse) {
    const message = `warehouse ${name} has nothing to create; kind mysql with preset stoker has tables of its own`
    throw new StokerError('USAGE', name, message)
  }
  const known = warehouses.map(one => one.name)
  const [near] = nearest(name, known, 1)
  const hint = near === undefined ? '' : ` did you mean ${near}?`
  throw new StokerError('USAGE', name, `no warehouse is called ${shown(name)};${hint} (there is: ${known.join(', ')})`)
}

const isInitialisable = (warehouse: Warehouse): warehouse is Initialisable =>
  'init' in warehouse && typeof warehouse.init === 'function' && 'ddl' in warehouse

const formatInit = ({ created, present }: Awaited<ReturnType<Initialisable['init']>>): string => {
  const there = present.length > 0 ? `already there: ${present.join(', ')}\n` : ''
  return created.length > 0 ? `created: ${created.join(', ')}\n${there}` : there
}
