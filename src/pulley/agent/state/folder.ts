/**
 * The agent's folder: who it is, what it has seen, what it owes. What was written is there, whole, also
 * after the power is gone.
 */
import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type * as z from 'zod'
import { isBeside, writeAtomic } from '../../../base/atomic-file.ts'
import { StokerError } from '../../../base/errors.ts'

export class Folder {
  readonly path: string

  constructor(path: string) {
    this.path = path
  }

  /** The file as the schema's type; `undefined` when there is none. Throws `AGENT_STATE` when it is damaged. */
  async read<S extends z.ZodType>(name: string, schema: S): Promise<z.output<S> | undefined> {
    const text = await this.text(name)
    if (text === undefined) return undefined
    const result = schema.safeParse(jsonOf(text))
    if (result.success) return result.data
    throw new StokerError(
      'AGENT_STATE',
      name,
      `${join(this.path, name)} is damaged; put it back from a copy, or enrol anew`,
    )
  }

  async text(name: string): Promise<string | undefined> {
    return (await this.bytes(name))?.toString()
  }

  async bytes(name: string): Promise<Buffer | undefined> {
    try {
      return await readFile(join(this.path, name))
    } catch (cause) {
      if (isMissing(cause)) return undefined
      throw this.#failed('read', name, cause)
    }
  }

  async write(name: string, value: unknown): Promise<void> {
    await this.writeBytes(name, Buffer.from(`${JSON.stringify(value, undefined, 2)}\n`))
  }

  async writeBytes(name: string, content: Uint8Array): Promise<void> {
    const path = join(this.path, name)
    try {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 })
      await writeAtomic(path, content)
    } catch (cause) {
      throw this.#failed('write', name, cause)
    }
  }

  /** The names in a folder below, in order; of files which were never finished none. */
  async list(name: string): Promise<readonly string[]> {
    try {
      return (await readdir(join(this.path, name))).filter(one => !isBeside(one)).sort()
    } catch (cause) {
      if (isMissing(cause)) return []
      throw this.#failed('read', name, cause)
    }
  }

  /** Takes a file or folder away, if it is there. */
  async remove(name: string): Promise<void> {
    try {
      await rm(join(this.path, name), { recursive: true, force: true })
    } catch (cause) {
      throw this.#failed('remove', name, cause)
    }
  }

  #failed(what: string, name: string, cause: unknown): StokerError {
    const path = join(this.path, name)
    return new StokerError('AGENT_STATE', name, `cannot ${what} ${path}: ${(cause as Error).message}`, { cause })
  }
}

const isMissing = (thrown: unknown): boolean => thrown instanceof Error && 'code' in thrown && thrown.code === 'ENOENT'

const jsonOf = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined // no schema takes it
  }
}
