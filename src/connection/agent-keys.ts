/** What a running ssh-agent holds, keys and certificates of all kinds (draft-ietf-sshm-ssh-agent). */
import { connect } from 'node:net'
import type { Abortable } from '../base/abortable.ts'

export interface AgentKey {
  /** The public key or certificate in SSH wire format. */
  readonly blob: Buffer
  readonly comment: string
}

/** An agent which has not answered by then is as good as none. */
const LIMIT_MS = 10_000
const REQUEST_IDENTITIES = 11
const IDENTITIES_ANSWER = 12
/** OpenSSH's own agent says no more at once (AGENT_MAX_LEN). */
const MOST_BYTES = 256 * 1024

/** Asks the agent at a socket; rejects when it cannot be asked, or with the signal's reason. */
export const agentKeys = async (socket: string, { signal }: Abortable): Promise<readonly AgentKey[]> => {
  signal.throwIfAborted()
  const { promise, resolve, reject } = Promise.withResolvers<readonly AgentKey[]>()
  const limit = AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)])
  const connection = connect(socket)
  const stop = () => reject(limit.reason)
  limit.addEventListener('abort', stop, { once: true })
  let answer = Buffer.alloc(0)
  connection.on('error', reject)
  connection.on('close', () => reject(new Error('the agent closed the connection')))
  connection.on('data', (data: Buffer) => {
    answer = Buffer.concat([answer, data])
    const length = answer.length < 4 ? MOST_BYTES : answer.readUInt32BE(0)
    if (answer.length >= 4 && length > MOST_BYTES) reject(new Error('the agent says too much'))
    else if (answer.length >= 4 + length) {
      try {
        resolve(parse(answer.subarray(4, 4 + length)))
      } catch (cause) {
        reject(new Error('the agent does not say what it should', { cause }))
      }
    }
  })
  connection.write(Buffer.from([0, 0, 0, 1, REQUEST_IDENTITIES]))
  try {
    return await promise
  } finally {
    limit.removeEventListener('abort', stop)
    connection.destroy()
  }
}

/** None where the agent refuses, as a locked one does. */
const parse = (answer: Buffer): readonly AgentKey[] => {
  if (answer[0] !== IDENTITIES_ANSWER) return []
  const count = answer.readUInt32BE(1)
  let at = 5
  const field = (): Buffer => {
    const start = at + 4
    at = start + answer.readUInt32BE(at)
    return answer.subarray(start, at)
  }
  return Array.from({ length: Math.min(count, MOST_BYTES) }, () => ({
    blob: field(),
    comment: field().toString(),
  }))
}
