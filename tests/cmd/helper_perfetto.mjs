// SPDX-License-Identifier: MIT
// helper_perfetto.mjs ENGINE TRACE SQL... - Perfetto's own importer reads TRACE: the rows of each
// query, with tabs between the columns.
//
// ENGINE: a folder with its trace_processor.wasm and the scripts around it, as a web page has them.
import fs from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import vm from 'node:vm';

const [engine, trace, ...queries] = process.argv.slice(2);

// The scripts take this process for a web worker, which is given the module itself, not its address.
Object.assign(globalThis, {
	self: globalThis,
	WorkerGlobalScope: Function,
	location: { href: pathToFileURL(engine).href + '/' },
	wasmBytes: fs.readFileSync(path.join(engine, 'trace_processor.wasm')),
});
let begun;
const runs = new Promise((done) => (begun = done));
globalThis.moduleBegun = () => setImmediate(begun);
console.warn = () => {};
const glue = fs.readFileSync(path.join(engine, 'engine_bundle.node.js'), 'utf8');
vm.runInThisContext(glue.replace(/locateFile: \(s\) => s,/g,
	'$& wasmBinary: globalThis.wasmBytes, postRun: [globalThis.moduleBegun],'));

const { EngineBase } = await import(pathToFileURL(path.join(engine, 'engine.mjs')));
const { port1, port2 } = new MessageChannel();
class Engine extends EngineBase {
	id = 'test';
	mode = 'WASM';
	rpcSendRequestBytes(data) {
		port1.postMessage(data);
	}
}
const processor = new Engine();
port1.onmessage = (m) => processor.onRpcResponseBytes(m.data);
await runs;
self.onmessage({ data: port2 });

await processor.parse(new Uint8Array(fs.readFileSync(trace)));
await processor.notifyEof();
for (const sql of queries) {
	const result = await processor.query(sql);
	for (const row = result.iter({}); row.valid(); row.next())
		console.log(result.columns().map((c) => `${row.get(c)}`).join('\t'));
}
process.exit(0);
