/** Counters of one server, in the text format of Prometheus (exposition format 0.0.4). */

export type Counter =
  | 'polls'
  | 'unchanged_polls'
  | 'enrolments'
  | 'refusals'
  | 'reports'
  | 'actions_started'
  | 'actions_finished'

const HELP: Readonly<Record<Counter, string>> = {
  polls: 'Polls answered.',
  unchanged_polls: 'Polls answered with: nothing new.',
  enrolments: 'Nodes enrolled.',
  refusals: 'Requests refused.',
  reports: 'Reports taken.',
  actions_started: 'Actions which nodes were allowed to start.',
  actions_finished: 'Actions whose end nodes have reported.',
}

export class Metrics {
  readonly #counts = new Map<Counter, number>()

  count(counter: Counter, by = 1): void {
    this.#counts.set(counter, (this.#counts.get(counter) ?? 0) + by)
  }

  text(): string {
    const counters = Object.entries(HELP).flatMap(([name, help]) => [
      `# HELP pulley_${name}_total ${help}`,
      `# TYPE pulley_${name}_total counter`,
      `pulley_${name}_total ${this.#counts.get(name as Counter) ?? 0}`,
    ])
    const memory = process.memoryUsage.rss()
    return [
      ...counters,
      '# HELP process_resident_memory_bytes Resident memory size in bytes.',
      '# TYPE process_resident_memory_bytes gauge',
      `process_resident_memory_bytes ${memory}`,
      '',
    ].join('\n')
  }
}
