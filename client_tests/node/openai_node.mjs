// OpenAI's Node library: `node openai_node.mjs SCENARIO MODEL TEXT` writes what was seen as JSON.
// Address and key are in OPENAI_BASE_URL and OPENAI_API_KEY, where the library looks by itself.

import OpenAI from "openai";
import { zodFunction, zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";

const client = new OpenAI();
const Invoice = z.object({ customer: z.string(), total: z.number(), items: z.array(z.string()) });
const Weather = z.object({ city: z.string(), days: z.number().int() });

const user = (content) => [{ role: "user", content }];

function weatherTool(calls) {
  return zodFunction({
    name: "get_weather",
    description: "Tell the weather of a city for some days.",
    parameters: Weather,
    function: ({ city, days }) => {
      calls.push(["get_weather", { city, days }]);
      return `${days} days of rain in ${city}`;
    },
  });
}

async function plain(model, text) {
  const answer = await client.chat.completions.create({ model, messages: user(text) });
  const [choice] = answer.choices;
  return { text: choice.message.content, finish: choice.finish_reason, model: answer.model };
}

async function stream(model, text) {
  const deltas = [];
  let finish = null;
  for await (const chunk of await client.chat.completions.create({ model, messages: user(text), stream: true })) {
    for (const choice of chunk.choices) {
      if (choice.delta.content) deltas.push(choice.delta.content);
      finish = choice.finish_reason ?? finish;
    }
  }
  return { deltas, finish };
}

async function parse(model, text) {
  const response_format = zodResponseFormat(Invoice, "invoice");
  const answer = await client.chat.completions.parse({ model, messages: user(text), response_format });
  return answer.choices[0].message.parsed;
}

async function streamParse(model, text) {
  const response_format = zodResponseFormat(Invoice, "invoice");
  const streamed = client.chat.completions.stream({ model, messages: user(text), response_format });
  return (await streamed.finalChatCompletion()).choices[0].message.parsed;
}

async function runTools(model, text, stream) {
  const calls = [];
  const tools = [weatherTool(calls)];
  const runner = client.chat.completions.runTools({ model, messages: user(text), tools, stream });
  return { text: await runner.finalContent(), calls };
}

async function refused(model, text) {
  try {
    await new OpenAI({ apiKey: "sk-wrong-made-up" }).chat.completions.create({ model, messages: user(text) });
  } catch (error) {
    if (error instanceof OpenAI.AuthenticationError) return { status: error.status, code: error.code };
    throw error;
  }
  return null;
}

const scenarios = {
  plain,
  stream,
  parse,
  stream_parse: streamParse,
  tools: (model, text) => runTools(model, text, false),
  stream_tools: (model, text) => runTools(model, text, true),
  refused,
};

const [name, model, text] = process.argv.slice(2);
process.stdout.write(JSON.stringify(await scenarios[name](model, text)));
