/** Boot parameters (RFC 2307 section 2.4): `key=server:path`, as bootparams(5) has them. Pure. */

/** The file of a parameter which tells where to boot from. */
export const bootFileIn = (value: string): readonly string[] => {
  const path = BOOT.exec(value)?.[2]
  return path ? [path] : []
}

/** The server of a parameter which tells where to boot from. */
export const nextServerIn = (value: string): readonly string[] => {
  const server = BOOT.exec(value)?.[1]
  return server ? [server] : []
}

const BOOT = /^\s*(?:boot|tftp|next-server)\s*=\s*(\[[\da-f:.]+\]|[^:]*):(.*?)\s*$/i

/** The root file system as the DHCP option which tells it. */
export const rootPathIn = (value: string): readonly string[] => {
  const [, target] = /^\s*root\s*=\s*(.*?)\s*$/i.exec(value) ?? []
  return target ? [`root-path "${target.replaceAll(/["\\]/g, '\\$&')}"`] : []
}
