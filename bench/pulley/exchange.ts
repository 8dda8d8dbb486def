/** As little of HTTP/1.1 as a load generator needs: requests which are bytes already, and answers as they come. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

export interface Answer {
  readonly status: number
  /** Lower-case names. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

/** A connection on which one request after the other is made. */
export class Connection implements Disposable {
  readonly #socket: Socket
  #text = ''
  #answered: ((answer: Answer) => void) | undefined
  #failed: ((reason: Error) => void) | undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', (data: Buffer) => {
      this.#text += data.toString('latin1')
      const answer = parseAnswer(this.#text)
      if (!answer) return
      this.#text = ''
      this.#answered?.(answer)
    })
    socket.on('error', reason => this.#failed?.(reason))
    socket.on('close', () => this.#failed?.(new Error('the server has closed the connection')))
  }

  static async open(port: number): Promise<Connection> {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    return new Connection(socket)
  }

  /** Rejects when the connection ends before the answer does. */
  ask(request: Buffer): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#answered = resolve
      this.#failed = reject
      this.#socket.write(request)
    })
  }

  [Symbol.dispose](): void {
    this.#failed = undefined
    this.#socket.destroy()
  }
}

/** The request's bytes. */
export const requestOf = (
  method: 'GET' | 'POST',
  path: string,
  headers: Readonly<Record<string, string>>,
  body = '',
): Buffer => {
  const all = {
    ...{ host: '127.0.0.1', ...headers },
    ...(body !== '' && { 'content-type': 'application/json', 'content-length': `${Buffer.byteLength(body)}` }),
  }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`)
  return Buffer.from([`${method} ${path} HTTP/1.1`, ...lines, '', body].join('\r\n'))
}

/** The whole of it, or nothing yet. The servers tell the length of every body. */
const parseAnswer = (text: string): Answer | undefined => {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const [first = '', ...lines] = text.slice(0, end).split('\r\n')
  const headers = new Map(
    lines.map(line => {
      const colon = line.indexOf(':')
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    }),
  )
  const body = text.slice(end + 4)
  if (body.length < Number(headers.get('content-length') ?? 0)) return undefined
  return { status: Number(first.split(' ')[1]), headers, body: Buffer.from(body, 'latin1').toString() }
}
