import {Client} from 'ldapts'
const t0=performance.now()
const c=new Client({url:'ldap://127.0.0.1:3899'})
const [a,b]=await Promise.all([c.search('dc=example,dc=org',{filter:'(|(objectClass=ipHost)(objectClass=ieee802Device))',attributes:['cn','ipHostNumber','macAddress']}), c.search('dc=example,dc=org',{filter:'(|(objectClass=groupOfNames)(objectClass=nisNetgroup))',attributes:['cn','member']})])
console.log(a.searchEntries.length,b.searchEntries.length,performance.now()-t0, process.cpuUsage())
const t1=performance.now()
const p=await c.search('dc=example,dc=org',{filter:'(|(objectClass=ipHost)(objectClass=ieee802Device))',attributes:['cn','ipHostNumber','macAddress'],paged:{pageSize:1000}})
console.log('paged',p.searchEntries.length,performance.now()-t1)
await c.unbind()
