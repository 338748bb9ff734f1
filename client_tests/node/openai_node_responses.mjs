// OpenAI's Node library, Responses: `node openai_node_responses.mjs SCENARIO MODEL TEXT` writes what was seen as JSON.

import OpenAI from "openai";
import { zodResponsesFunction, zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";

const client = new OpenAI();
const Invoice = z.object({ customer: z.string(), total: z.number(), items: z.array(z.string()) });
const Weather = z.object({ city: z.string(), days: z.number().int() });
const tools = [zodResponsesFunction({ name: "get_weather", parameters: Weather })];

async function plain(model, text) {
  return { text: (await client.responses.create({ model, input: text })).output_text };
}

async function stream(model, text) {
  const deltas = [];
  for await (const event of await client.responses.create({ model, input: text, stream: true })) {
    if (event.type === "response.output_text.delta") deltas.push(event.delta);
  }
  return { deltas };
}

async function parse(model, text) {
  const format = zodTextFormat(Invoice, "invoice");
  return (await client.responses.parse({ model, input: text, text: { format } })).output_parsed;
}

async function loop(ask, text) {
  const input = [{ role: "user", content: text }];
  const first = await ask(input);
  const calls = first.output.filter((item) => item.type === "function_call");
  for (const item of first.output) {
    const { parsed_arguments: _, ...said } = item;
    input.push(said);
  }
  for (const { call_id, parsed_arguments: { city, days } } of calls) {
    input.push({ type: "function_call_output", call_id, output: `${days} days of rain in ${city}` });
  }
  return { calls: calls.map((call) => [call.name, call.parsed_arguments]), text: (await ask(input)).output_text };
}

const scenarios = {
  plain,
  stream,
  parse,
  tools: (model, text) => loop((input) => client.responses.parse({ model, input, tools }), text),
  stream_tools: (model, text) =>
    loop((input) => client.responses.stream({ model, input, tools }).finalResponse(), text),
};

const [name, model, text] = process.argv.slice(2);
process.stdout.write(JSON.stringify(await scenarios[name](model, text)));
