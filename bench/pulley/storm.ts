/** As many requests as a server answers, on connections which stay: what its core is worth. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout } from 'node:timers/promises'

export interface Rate {
  /** Answers a second. */
  readonly rate: number
  /** Answers for a second of the server's CPU. */
  readonly perCpu: number
  /** Bytes of one request and its answer, headers included. */
  readonly bytes: number
}

export interface StormOptions {
  readonly connections: number
  readonly seconds: number
  /** Seconds of CPU which the server has used so far. */
  cpu(): Promise<number>
}

/**
 * Asks on each connection again as soon as there is an answer, for so many seconds; every answer has to be a 304. The requests
 * are spread over the connections.
 */
export const storm = async (
  port: number,
  requests: readonly Buffer[],
  { connections, seconds, cpu }: StormOptions,
): Promise<Rate> => {
  const counted = { answers: 0, bytes: 0 }
  const failed = Promise.withResolvers<never>()
  const sockets = await Promise.all(
    Array.from({ length: connections }, async (_, index) => {
      const socket = connect(port, '127.0.0.1')
      await once(socket, 'connect')
      socket.setNoDelay(true)
      socket.on('error', failed.reject)
      const own = requests.filter((_, turn) => turn % connections === index)
      drive(socket, own, counted, failed.reject)
      return socket
    }),
  )
  try {
    await Promise.race([setTimeout(seconds * 250), failed.promise]) // until it runs warm
    const before = { ...counted, cpu: await cpu(), at: performance.now() }
    await Promise.race([setTimeout(seconds * 1000), failed.promise])
    const answers = counted.answers - before.answers
    return {
      rate: answers / ((performance.now() - before.at) / 1000),
      perCpu: answers / ((await cpu()) - before.cpu),
      bytes: Math.round((counted.bytes - before.bytes) / answers),
    }
  } finally {
    for (const socket of sockets) socket.destroy()
  }
}

const drive = (
  socket: Socket,
  requests: readonly Buffer[],
  counted: { answers: number; bytes: number },
  failed: (reason: Error) => void,
): void => {
  let turn = 0
  const ask = () => {
    const request = requests[turn++ % requests.length] as Buffer
    counted.bytes += request.length
    socket.write(request)
  }
  socket.on('data', data => {
    counted.bytes += data.length
    // `HTTP/1.1 304 ...` has no body: an empty line ends it.
    const is304 = data.toString('latin1', 9, 12) === '304'
    if (!is304) return failed(new Error(`no 304 but: ${data.toString('latin1', 0, 300)}`))
    if (data.toString('latin1', data.length - 4) !== '\r\n\r\n') return failed(new Error('an answer came in parts'))
    counted.answers++
    ask()
  })
  ask()
}
