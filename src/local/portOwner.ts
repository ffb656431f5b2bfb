import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** The state LISTEN in the kernel's socket tables. */
const LISTEN = '0A';
const TABLES = ['/proc/net/tcp', '/proc/net/tcp6'];

/**
 * Returns which process listens on a port of this machine: one of this process group, or another one. `unknown` if none
 * listens, or the system does not tell.
 */
export function listenerOf(port: number, group: number): 'group' | 'another' | 'unknown' {
  return existsSync(TABLES[0] ?? '') ? byProc(port, group) : byLsof(port, group);
}

/** On Linux each listening socket has an inode, and each process has links to the inodes of its sockets. */
function byProc(port: number, group: number): ReturnType<typeof listenerOf> {
  const inodes = new Set(TABLES.flatMap((table) => listeningInodes(table, port)));
  if (inodes.size === 0 || inodes.has('0')) return 'unknown';
  return processesOf(group).some((pid) => socketsOf(pid).some((inode) => inodes.has(inode))) ? 'group' : 'another';
}

function listeningInodes(table: string, port: number): string[] {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  const rows = existsSync(table) ? readFileSync(table, 'utf8').trim().split('\n').slice(1) : [];
  // Columns: sl, local_address, rem_address, st, queues, timer, retransmissions, uid, timeout, inode.
  return rows
    .map((row) => row.trim().split(/\s+/))
    .flatMap(([, local, , state, , , , , , inode]) =>
      state === LISTEN && local?.endsWith(`:${wanted}`) && inode ? [inode] : [],
    );
}

function processesOf(group: number): string[] {
  return readdirSync('/proc').filter((name) => {
    // After the name in parentheses: state, parent, process group.
    const stat = /^\d+$/.test(name) ? orNothing(() => readFileSync(join('/proc', name, 'stat'), 'utf8')) : undefined;
    return stat?.split(') ').at(-1)?.split(' ')[2] === String(group);
  });
}

function socketsOf(pid: string): string[] {
  const folder = join('/proc', pid, 'fd');
  const names = orNothing(() => readdirSync(folder)) ?? [];
  return names.flatMap(
    (name) => /^socket:\[(\d+)\]$/.exec(orNothing(() => readlinkSync(join(folder, name))) ?? '')?.[1] ?? [],
  );
}

/** Returns undefined if the read fails: the process has ended meanwhile, or belongs to another user. */
function orNothing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

/** For macOS and the BSDs. */
function byLsof(port: number, group: number): ReturnType<typeof listenerOf> {
  const ask = (...more: string[]) =>
    spawnSync('lsof', ['-nP', '-a', `-iTCP:${port}`, '-sTCP:LISTEN', ...more, '-t'], {
      encoding: 'utf8',
    }).stdout?.trim() ?? '';
  if (ask('-g', String(group)) !== '') return 'group';
  return ask() === '' ? 'unknown' : 'another';
}
