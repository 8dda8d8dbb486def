/** What a machine with nothing but Node needs to become a node: the agent's single file, and a few lines of POSIX sh. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { agentFile } from '../../base/package-paths.ts'
import type { Context } from './context.ts'
import type { Api } from './http/api.ts'
import { RefusedRequest } from './http/refusal.ts'

export const bootstrapRoutes = (api: Api, _context: Context): void => {
  api.add('get', '/v1/agent.mjs', {
    summary: "The agent's single file.",
    who: 'anyone',
    handle: async (_request, _body, reply) => reply.type('text/javascript').send(await agentBytes()),
  })
  api.add('get', '/v1/bootstrap.sh', {
    summary: 'A script which installs the agent and enrols: sh bootstrap.sh SERVER VO TOKEN-FILE [CA-FILE].',
    who: 'anyone',
    handle: async (_request, _body, reply) => {
      const sum = createHash('sha256')
        .update(await agentBytes())
        .digest('hex')
      return reply.type('text/x-shellscript').send(SCRIPT.replace('@SHA256@', sum))
    },
  })
}

const agentBytes = async (): Promise<Buffer> => {
  const file = await readFile(agentFile()).catch(() => undefined) // then nobody has built it
  if (file) return file
  throw new RefusedRequest('not-found', "there is no agent's file here; 'npm run build' makes it")
}

const SCRIPT = `#!/bin/sh
# Makes this machine a node: sh bootstrap.sh SERVER VO TOKEN-FILE [CA-FILE]
set -eu
[ $# -ge 3 ] || { echo "usage: sh bootstrap.sh SERVER VO TOKEN-FILE [CA-FILE]" >&2; exit 2; }
server=\${1%/} vo=$2 token=$3 ca=\${4:-}
folder=/usr/local/lib/pulley agent=$folder/pulley-agent.mjs
node=$(command -v node) || { echo "there is no node here: install Node.js 24 or newer" >&2; exit 1; }
"$node" -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 24 ? 0 : 1)' ||
  { echo "$("$node" --version) is too old: install Node.js 24 or newer" >&2; exit 1; }
mkdir -p "$folder"
new=$agent.new
trap 'rm -f "$new"' EXIT
if command -v curl >/dev/null; then curl -fsS \${ca:+--cacert "$ca"} -o "$new" "$server/v1/agent.mjs"
else wget -q \${ca:+--ca-certificate="$ca"} -O "$new" "$server/v1/agent.mjs"
fi
echo "@SHA256@  $new" | sha256sum -c - >/dev/null || { echo "the agent's file is not what it should be" >&2; exit 1; }
mv "$new" "$agent"
"$node" "$agent" enrol --server "$server" --vo "$vo" --token-file "$token" \${ca:+--ca "$ca"}
exec "$node" "$agent" agent install
`
