/** Writes what makes a set of SSH targets usable: inventory, known hosts, client key, and a configuration that names them. */
import { resolve } from 'node:path'
import { writeAtomic } from '../base/atomic-file.ts'
import type { KeyPair } from './keys.ts'

/** One target as the inventory shows it. */
export interface SiteNode {
  readonly name: string
  readonly address: string
  readonly port: number
  readonly user: string
  /** The host's public key: `ssh-ed25519 AAAA...`. */
  readonly hostKey: string
}

/** A set of targets, and where its files go. */
export interface Site {
  /** The name of its warehouse. */
  readonly name: string
  /** An existing folder. */
  readonly folder: string
  readonly nodes: readonly SiteNode[]
  /** Group names with a target expression each; an empty one is an empty group. */
  readonly groups: Readonly<Record<string, string>>
  readonly clientKey: KeyPair
}

/** The files of a site: absolute paths. */
export interface SiteFiles {
  /** The configuration, for `STOKER_CONFIG` or `--config`. */
  readonly config: string
  readonly inventory: string
  readonly knownHosts: string
  /** The private key that every target accepts; mode 0600. */
  readonly identity: string
}

/** The first line of a configuration written here. */
export const siteMark = (site: Pick<Site, 'name'>): string =>
  `# Written by a ${site.name} of stoker; it is written anew each time.`

/** Where a site's files are. */
export const siteFiles = (folder: string): SiteFiles => ({
  config: resolve(folder, 'stoker.yaml'),
  inventory: resolve(folder, 'nodes.yaml'),
  knownHosts: resolve(folder, 'known_hosts'),
  identity: resolve(folder, 'id_ed25519'),
})

/** Writes a site's files into its folder, over those of an earlier one; all are readable by their owner only. */
export const writeSite = async (site: Site): Promise<SiteFiles> => {
  const files = siteFiles(site.folder)
  const write = (path: string, content: string) => writeAtomic(path, content, { sync: false })
  await Promise.all([
    write(files.inventory, inventoryOf(site)),
    write(files.knownHosts, site.nodes.map(node => `${knownHostLine(node)}\n`).join('')),
    write(files.identity, site.clientKey.privateKey),
    write(`${files.identity}.pub`, `${site.clientKey.publicKey} ${site.name}\n`),
    write(files.config, configOf(site, files)),
  ])
  return files
}

/** A line of a known_hosts file, without its end. */
export const knownHostLine = (node: Pick<SiteNode, 'address' | 'port' | 'hostKey'>): string =>
  `${node.port === 22 ? node.address : `[${node.address}]:${node.port}`} ${node.hostKey}`

const inventoryOf = ({ nodes, groups }: Site): string =>
  [
    'nodes:',
    ...nodes.map(({ name, address, port, user }) => {
      return `  ${scalar(name)}: {address: ${scalar(address)}, port: ${port}, user: ${scalar(user)}}`
    }),
    ...(Object.keys(groups).length > 0 ? ['groups:'] : []),
    ...Object.entries(groups).map(([name, members]) => `  ${scalar(name)}: ${members === '' ? '[]' : scalar(members)}`),
    '',
  ].join('\n')

// Quoted as JSON, which is YAML too, unless nobody could take it for anything else than this text.
const scalar = (text: string): string =>
  /^(?:[a-z]+[0-9]+|[0-9]+(?:\.[0-9]+){3}|all|odd|even|first|lab)$/.test(text) ? text : JSON.stringify(text)

const configOf = (site: Site, files: SiteFiles): string => `${siteMark(site)}
warehouses:
  - {kind: file, name: ${scalar(site.name)}, path: nodes.yaml}
ssh:
  host-keys: strict
  known-hosts: [${JSON.stringify(files.knownHosts)}]
  identity: [${JSON.stringify(files.identity)}]
  config: none
`
