/** Why a request is refused. What is told is no more than the other side may know. */

export type Refusal =
  | 'unsigned'
  | 'clock'
  | 'replayed'
  | 'session'
  | 'forbidden'
  | 'not-found'
  | 'conflict'
  | 'malformed'
  | 'too-large'
  | 'slow'
  | 'too-many'
  | 'busy'

const STATUS: Readonly<Record<Refusal, number>> = {
  unsigned: 401,
  clock: 401,
  replayed: 401,
  session: 401,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  malformed: 400,
  'too-large': 413,
  slow: 408,
  'too-many': 429,
  busy: 503,
}

/** Thrown inside a request, and answered as JSON; never leaves the server. */
export class RefusedRequest extends Error {
  override readonly name = 'RefusedRequest'
  readonly kind: Refusal

  constructor(kind: Refusal, message: string) {
    super(message)
    this.kind = kind
  }

  get statusCode(): number {
    return STATUS[this.kind]
  }
}
