/** As many requests as a server answers, on connections which stay: what its core is worth. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export interface Rate {
  /** Answers a second. */
  readonly rate: number
  /** Bytes of one request and its answer, headers included. */
  readonly bytes: number
  readonly answers: number
}

/**
 * Asks on each connection again as soon as there is an answer, for so many seconds; every answer has to be a 304. The requests
 * are spread over the connections.
 */
export const storm = async (
  port: number,
  requests: readonly Buffer[],
  { connections, seconds }: { readonly connections: number; readonly seconds: number },
): Promise<Rate> => {
  const counted = { answers: 0, sent: 0, received: 0 }
  const failed = Promise.withResolvers<never>()
  const sockets = await Promise.all(
    Array.from({ length: connections }, async (_, index) => {
      const own = requests.filter((_, turn) => turn % connections === index)
      const socket = connect(port, '127.0.0.1')
      await once(socket, 'connect')
      socket.setNoDelay(true)
      socket.on('error', failed.reject)
      drive(socket, own, counted, failed.reject)
      return socket
    }),
  )
  try {
    await Promise.race([pause(seconds / 4), failed.promise]) // it runs warm
    const before = { ...counted }
    const began = performance.now()
    await Promise.race([pause(seconds), failed.promise])
    const took = (performance.now() - began) / 1000
    const answers = counted.answers - before.answers
    const bytes = counted.sent + counted.received - before.sent - before.received
    return { rate: answers / took, bytes: Math.round(bytes / answers), answers }
  } finally {
    for (const socket of sockets) socket.destroy()
  }
}

const drive = (
  socket: Socket,
  requests: readonly Buffer[],
  counted: { answers: number; sent: number; received: number },
  failed: (reason: Error) => void,
): void => {
  let turn = 0
  const ask = () => {
    const request = requests[turn++ % requests.length] as Buffer
    counted.sent += request.length
    socket.write(request)
  }
  socket.on('data', data => {
    counted.received += data.length
    // A 304 has no body; it comes in one piece, or the end of it is in the last.
    if (data.toString('latin1', data.length - 4) !== '\r\n\r\n') return
    if (data[9] !== 0x33 || data[11] !== 0x34) return failed(new Error(`no 304: ${data.toString('latin1', 0, 200)}`))
    counted.answers++
    ask()
  })
  ask()
}

const pause = (seconds: number): Promise<void> => new Promise(resolve => setTimeout(resolve, seconds * 1000))
