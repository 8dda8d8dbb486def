/** What the init systems have in common: how a service is probed, and what can be done to it. */

/** What can be done to a service. */
export type Action = 'start' | 'stop' | 'restart' | 'reload' | 'enable' | 'disable'

/** How a service is. */
export interface ServiceState {
  readonly known: boolean
  readonly running: boolean
  /** `static`: it cannot be enabled by itself, others start it. `masked`: it has been forbidden. */
  readonly enabled: 'yes' | 'no' | 'static' | 'masked'
}

/**
 * An init system, as functions of the shell. `NAME` is its name:
 *
 * - `NAME_known SERVICE`: whether there is such a service;
 * - `NAME_running SERVICE`: whether it runs;
 * - `NAME_enabled SERVICE`: prints one of `yes`, `no`, `static`, `masked`;
 * - `NAME_do ACTION SERVICE`: does it, through `run`; a start of what runs already, and a stop of what does not, is fine.
 *
 * The first three change nothing.
 */
export interface Init {
  readonly library: string
}
