/** Whether what is mounted is what was meant. The kernel words options otherwise than fstab: only sure differences count. Pure. */
import type { FstabEntry } from './fstab.ts'

/** One line of /proc/self/mounts. */
export interface Mounted {
  readonly device: string
  /** The device without symbolic links, where it is one below /dev. */
  readonly real: string
  readonly type: string
  readonly options: string
}

// Types which the kernel shows under the name by which they were asked for.
const PLAIN_TYPES = 'ext2 ext3 ext4 xfs btrfs vfat f2fs iso9660 squashfs tmpfs ramfs overlay proc sysfs nfs cifs'.split(
  ' ',
)
const NETWORK_TYPES = ['nfs', 'cifs']
const typeOf = (type: string): string => (type === 'nfs4' ? 'nfs' : type)

/** Whether a folder is shown at another place. */
export const isBind = (options: string): boolean => options.split(',').some(word => word === 'bind' || word === 'rbind')

/** `real`: the desired device without symbolic links and tags such as `UUID=`; empty when it is not to be found. */
export const isOtherMount = (desired: FstabEntry, real: string, mounted: Mounted): boolean => {
  // A bind mount shows the device and type of the file system which it is a part of.
  if (isBind(desired.options)) return false
  const [wanted, present] = [typeOf(desired.type), typeOf(mounted.type)]
  if (PLAIN_TYPES.includes(wanted) && PLAIN_TYPES.includes(present) && wanted !== present) return true
  if (NETWORK_TYPES.includes(wanted)) return plainDevice(desired.device) !== plainDevice(mounted.device)
  return real.startsWith('/dev/') && mounted.real.startsWith('/dev/') && real !== mounted.real
}

const plainDevice = (device: string): string => device.replace(/(?<=[^/:])\/+$/, '')

const FLAGS = [
  ['ro', 'rw'],
  ['nosuid', 'suid'],
  ['nodev', 'dev'],
  ['noexec', 'exec'],
] as const

/** The first of the flags that the desired entry names and the kernel has otherwise. */
export const wrongFlag = (desired: FstabEntry, mounted: Mounted): string | undefined => {
  const live = mounted.options.split(',')
  for (const [on, off] of FLAGS) {
    const named = desired.options.split(',').findLast(word => word === on || word === off)
    if (named !== undefined && live.includes(on) !== (named === on)) return named
  }
  return undefined
}

// For the tools which read fstab; a mount(8) of busybox would hand them to the kernel.
const FSTAB_ONLY = /^(?:auto|noauto|nofail|_netdev|x-systemd\..*)$/

/** The options as an argument for mount(8). */
export const mountOptions = (options: string): string =>
  options
    .split(',')
    .filter(word => !FSTAB_ONLY.test(word))
    .join(',') || 'defaults'
