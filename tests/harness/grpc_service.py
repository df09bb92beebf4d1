"""A gRPC server without generated code: messages are bytes. Runs as a program of its own, so that it can be started in any network
namespace: python -m harness.grpc_service NAME PORT"""
import sys
from concurrent import futures

import grpc

SERVICE = "test.Echo"


def say(request: bytes, context: grpc.ServicerContext) -> bytes:
    seen = dict(context.invocation_metadata())
    context.set_trailing_metadata((("x-service", NAME), ("x-proto", seen.get("x-forwarded-proto", ""))))
    return NAME.encode() + b":" + request


def count(request: bytes, context: grpc.ServicerContext):
    for number in range(int(request)):
        yield str(number).encode()


def collect(requests, context: grpc.ServicerContext) -> bytes:
    return str(sum(len(request) for request in requests)).encode()


def chat(requests, context: grpc.ServicerContext):
    for request in requests:
        yield request.upper()


def refuse(request: bytes, context: grpc.ServicerContext) -> bytes:
    context.abort(grpc.StatusCode.NOT_FOUND, "no " + request.decode())


HANDLERS = {
    "Say": grpc.unary_unary_rpc_method_handler(say), "Count": grpc.unary_stream_rpc_method_handler(count),
    "Collect": grpc.stream_unary_rpc_method_handler(collect), "Chat": grpc.stream_stream_rpc_method_handler(chat),
    "Refuse": grpc.unary_unary_rpc_method_handler(refuse)}

if __name__ == "__main__":
    NAME, PORT = sys.argv[1], sys.argv[2]
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=16))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, HANDLERS),))
    assert server.add_insecure_port(f"0.0.0.0:{PORT}"), "the port is taken"
    server.start()
    print("ready", flush=True)
    server.wait_for_termination()
