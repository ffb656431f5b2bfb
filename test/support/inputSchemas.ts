import type { z } from 'zod';
import { listRoutes } from '../../scripts/routes/list';
import { alertsSchema } from '../../src/domain/devices/alertSchema';
import { deviceIdSchema, readingSchema } from '../../src/domain/devices/readingSchema';
import { recordSchema } from '../../src/domain/fraud/transactionSchema';
import { baselineSchema } from '../../src/gateways/fraud/baselineFiles';

/**
 * Every schema that something from outside passes through: requests, records of streams, messages of devices, files.
 */
export async function inputSchemas(): Promise<{ name: string; schema: z.ZodType }[]> {
  const routes = await listRoutes();
  const ofRoutes = routes.flatMap(({ operationId, params, query, body }) =>
    Object.entries({ params, query, body }).flatMap(([where, schema]) =>
      schema ? [{ name: `${operationId} ${where}`, schema: schema as z.ZodType }] : [],
    ),
  );
  return [
    ...ofRoutes,
    { name: 'a transaction in a stream or a file', schema: recordSchema },
    { name: 'a reading in a batch, a stream or a message', schema: readingSchema },
    { name: 'the device of a message', schema: deviceIdSchema },
    { name: 'alerts', schema: alertsSchema },
    { name: 'a baseline', schema: baselineSchema },
  ];
}

interface Definition {
  type: string;
  shape?: Record<string, z.ZodType>;
  element?: z.ZodType;
  options?: z.ZodType[];
  innerType?: z.ZodType;
  in?: z.ZodType;
  out?: z.ZodType;
  keyType?: z.ZodType;
  valueType?: z.ZodType;
}
const definitionOf = (schema: z.ZodType): Definition => schema._zod.def as unknown as Definition;

/** A schema without parts, or a record as a whole. */
export interface Leaf {
  path: string;
  type: string;
  schema: z.ZodType;
}

/**
 * The parts of a schema of which every value that it takes consists. Throws for a kind of schema that it does not know.
 */
export function leavesOf(schema: z.ZodType, path: string): Leaf[] {
  const definition = definitionOf(schema);
  const { type, shape, element, options, innerType, keyType, valueType } = definition;
  switch (type) {
    case 'object':
      return Object.entries(shape ?? {}).flatMap(([name, part]) => leavesOf(part, `${path}.${name}`));
    case 'array':
      return leavesOf(element!, `${path}[]`);
    case 'union':
      return options!.flatMap((option, i) => leavesOf(option, `${path}|${i}`));
    case 'optional':
    case 'nullable':
    case 'default':
    case 'prefault':
    case 'readonly':
      return leavesOf(innerType!, path);
    case 'pipe':
      return leavesOf(definition.in!, path);
    case 'record':
      return [{ path, type, schema }, ...leavesOf(keyType!, `${path}{name}`), ...leavesOf(valueType!, `${path}{}`)];
    case 'string':
    case 'number':
    case 'unknown':
    case 'any':
      return [{ path, type, schema }];
    case 'boolean':
    case 'enum':
    case 'literal':
    case 'null':
    case 'undefined':
      return [];
    default:
      throw new Error(`${path}: this test does not know what a schema of type ${type} lets through; teach it`);
  }
}

/** The properties of an object schema, each with the wrappers of its own; of unions those of every alternative. */
export function objectsIn(schema: z.ZodType): Record<string, z.ZodType>[] {
  const definition = definitionOf(schema);
  if (definition.type === 'object') return [definition.shape ?? {}];
  if (definition.type === 'union') return definition.options!.flatMap(objectsIn);
  const inner = definition.innerType ?? definition.in;
  return inner ? objectsIn(inner) : [];
}
