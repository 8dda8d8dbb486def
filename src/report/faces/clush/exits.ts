/** What clush(1) says of exit codes and of time which was up, on standard error. */
import type { View } from '../../report.ts'
import type { Sink } from '../../sink.ts'
import { sshEnd } from '../ssh-end.ts'
import { type ClushFormat, exitedWith, timedOut } from './format.ts'

/** Each node when it ends; those whose time was up at the end of all. */
export const exitsAtOnce = (stderr: Sink, format: ClushFormat): View => {
  const late: string[] = []
  return {
    event(event) {
      if (event.kind !== 'finished') return
      const { target, outcome } = event
      const { code = 0 } = sshEnd(outcome)
      if (outcome.kind === 'timed-out') late.push(target.name)
      else if (code > 0) return stderr.write(exitedWith([target.name], code, format))
    },
    async end() {
      await stderr.write(timedOut(late, format))
      await stderr.flush()
    },
  }
}

/** All nodes at the end, those of one code together. */
export const exitsAtEnd = (stderr: Sink, format: ClushFormat): View => {
  const names = new Map<number, string[]>()
  const late: string[] = []
  return {
    event(event) {
      if (event.kind !== 'finished') return
      const { target, outcome } = event
      const { code = 0 } = sshEnd(outcome)
      if (outcome.kind === 'timed-out') late.push(target.name)
      else if (code > 0) names.set(code, [...(names.get(code) ?? []), target.name])
    },
    async end() {
      for (const [code, some] of [...names].sort(([a], [b]) => a - b))
        await stderr.write(exitedWith(some, code, format))
      await stderr.write(timedOut(late, format))
      await stderr.flush()
    },
  }
}
