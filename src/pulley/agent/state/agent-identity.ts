/** Who this machine is to its server, and how far it has come: what is said here is on disk already. */
import { StokerError } from '../../../base/errors.ts'
import type { Folder } from './folder.ts'
import { IDENTITY, type Identity, NO_PROGRESS, PROGRESS, type Progress } from './identity-files.ts'

/** The identity of the folder; throws `AGENT_STATE` when there is none. */
export const readIdentity = async (folder: Folder): Promise<Identity> => {
  const identity = await folder.read(IDENTITY.file, IDENTITY.schema)
  if (identity) return identity
  throw new StokerError(
    'AGENT_STATE',
    folder.path,
    `${folder.path} holds no identity: enrol first, with 'pulley enrol'`,
  )
}

export class AgentIdentity {
  readonly #folder: Folder
  #identity: Identity
  #progress: Progress

  private constructor(folder: Folder, identity: Identity, progress: Progress) {
    this.#folder = folder
    this.#identity = identity
    this.#progress = progress
  }

  /** Throws `AGENT_STATE` when the folder holds no identity. */
  static async open(folder: Folder): Promise<AgentIdentity> {
    const identity = await readIdentity(folder)
    return new AgentIdentity(folder, identity, (await folder.read(PROGRESS.file, PROGRESS.schema)) ?? NO_PROGRESS)
  }

  get identity(): Identity {
    return this.#identity
  }

  get progress(): Progress {
    return this.#progress
  }

  /** The keys of the VO: the one which counts, and those before it. */
  get voKeys(): readonly string[] {
    return [this.#identity.voKey, ...this.#identity.formerKeys]
  }

  async saveProgress(changes: Partial<Progress>): Promise<void> {
    this.#progress = { ...this.#progress, ...changes }
    await this.#folder.write(PROGRESS.file, this.#progress)
  }

  /** The VO has another key from now on. */
  async changeVoKey(successor: string): Promise<void> {
    this.#identity = { ...this.#identity, voKey: successor, formerKeys: [...this.voKeys] }
    await this.#folder.write(IDENTITY.file, this.#identity)
  }

  /** Somebody else from now on, as `enrol` has written it, who has not come far yet. */
  replace(identity: Identity): void {
    this.#identity = identity
    this.#progress = NO_PROGRESS
  }
}
