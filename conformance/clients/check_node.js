// node pg: connect, prepared statements, binary results, COPY, cancel, an error inside a transaction, streaming.
// Usage: node check_node.js PORT PROCESS
'use strict'
const fs = require('fs')
const { Client } = require('pg')
const Cursor = require('pg-cursor')
const { from: copyFrom, to: copyTo } = require('pg-copy-streams')
const { pipeline } = require('stream/promises')
const { Readable, Writable } = require('stream')

const [port, process_id] = process.argv.slice(2)
const options = { host: '127.0.0.1', port: Number(port), user: 'postgres', database: 'postgres' }
const ROWS = 1000000
const GROWTH_LIMIT = 64 * 1024 * 1024
const resident = () => Number(fs.readFileSync(`/proc/${process_id}/statm`, 'ascii').split(' ')[1]) * 4096

function check (name, passed) {
  console.log((passed ? 'ok     ' : 'FAILED ') + name)
  if (!passed) process.exit(1)
}

async function main () {
  const client = new Client(options)
  await client.connect()
  for (let i = 0; i < 3; i++) {
    const { rows } = await client.query({ name: 'echo', text: 'SELECT $1::int4 AS a, $2::text AS b, $3::bytea AS c, $4::jsonb AS d', values: [i, 'žluť', Buffer.from([0, 255]), { x: [1, null] }] })
    check(`prepared ${i}`, rows[0].a === i && rows[0].b === 'žluť' && rows[0].c.equals(Buffer.from([0, 255])) && rows[0].d.x[1] === null)
  }
  const binary = await client.query({ text: 'SELECT 7::int4 AS a, true AS b', binary: true })
  check('binary results', binary.rows[0].a === 7 && binary.rows[0].b === true)

  await client.query('CREATE TABLE node_copy (id int PRIMARY KEY, name text)')
  const lines = Array.from({ length: 5000 }, (_, i) => `${i}\tname ${i}\n`)
  await pipeline(Readable.from(lines), client.query(copyFrom('COPY node_copy FROM STDIN')))
  let bytes = 0
  await pipeline(client.query(copyTo('COPY node_copy TO STDOUT')), new Writable({ write (chunk, _, done) { bytes += chunk.length; done() } }))
  check('COPY in and out', bytes === lines.join('').length)

  const canceller = new Client(options)
  setTimeout(async () => {
    await canceller.connect()
    await canceller.query('SELECT pg_cancel_backend($1)', [client.processID])
    await canceller.end()
  }, 300)
  check('cancel', await client.query('SELECT pg_sleep(30)').then(() => false, error => error.code === '57014'))

  await client.query('BEGIN')
  await client.query("INSERT INTO node_copy VALUES (9000, 'x')")
  const code = await client.query("INSERT INTO node_copy VALUES (9000, 'y')").then(() => '', error => error.code)
  const failed = await client.query('SELECT 1').then(() => '', error => error.code)
  await client.query('ROLLBACK')
  const { rows: [{ count }] } = await client.query('SELECT count(*) FROM node_copy')
  check('error inside a transaction', code === '23505' && failed === '25P02' && count === '5000')

  const before = resident()
  const cursor = client.query(new Cursor(`SELECT i, 'row ' || i AS t FROM generate_series(1, ${ROWS}) i`))
  let total = 0
  for (let rows = await cursor.read(10000); rows.length > 0; rows = await cursor.read(10000)) for (const row of rows) total += row.i
  await cursor.close()
  const growth = resident() - before
  check(`1 M rows streamed, server memory +${growth >> 10} KiB`, total === ROWS * (ROWS + 1) / 2 && growth < GROWTH_LIMIT)
  const listener = new Client(options)
  await listener.connect()
  await listener.query('LISTEN node_channel')
  const heard = new Promise(resolve => listener.once('notification', resolve))
  await client.query("NOTIFY node_channel, 'pushed'")
  const notification = await heard
  check('notification to an idle client', notification.channel === 'node_channel' && notification.payload === 'pushed')
  const feed = listener.query(new Cursor('SUBSCRIBE node_copy WITH (snapshot = false)'))
  const change = feed.read(1)
  await client.query("INSERT INTO node_copy VALUES (100000, 'fed')")
  const [row] = await change
  check('SUBSCRIBE through a cursor', row.strata_diff === '1' && row.id === 100000 && row.name === 'fed')
  // Cut off without a goodbye: the server must let its feed go.
  listener.on('error', () => {})
  listener.connection.stream.destroy()
  await client.query('DROP TABLE node_copy')
  await client.end()
}

main().catch(error => { console.error(error); process.exit(1) })
