using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;

namespace Troupe.NodeActors.Streams;

/// <summary>A port of the host's own VSOCK address.</summary>
public sealed class VsockEndPoint(uint port) : EndPoint
{
    public override string ToString() => $"vsock:host:{port}";
}

/// <summary>Lets Kestrel serve connections that are not the network's.</summary>
public sealed class StreamListenerFactory(IStreamListener listener) : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    public bool CanBind(EndPoint endpoint) => endpoint is VsockEndPoint;

    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) => new(new Listener(listener, endpoint));

    private sealed class Listener(IStreamListener listener, EndPoint endpoint) : IConnectionListener
    {
        private readonly CancellationTokenSource _unbound = new();

        public EndPoint EndPoint => endpoint;

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(_unbound.Token, cancellationToken);
            try
            {
                return new Connection(await listener.AcceptAsync(stop.Token).ConfigureAwait(false), endpoint);
            }
            catch (OperationCanceledException) when (_unbound.IsCancellationRequested)
            {
                return null;
            }
        }

        public ValueTask UnbindAsync(CancellationToken cancellationToken = default) => new(_unbound.CancelAsync());

        public ValueTask DisposeAsync()
        {
            _unbound.Cancel();
            return ValueTask.CompletedTask;
        }
    }

    private sealed class Connection : DefaultConnectionContext
    {
        private readonly Stream _stream;

        public Connection(Stream stream, EndPoint endpoint) : base(Guid.NewGuid().ToString("N"))
        {
            _stream = stream;
            Transport = new Ends(PipeReader.Create(stream, new StreamPipeReaderOptions(leaveOpen: true)), PipeWriter.Create(stream, new StreamPipeWriterOptions(leaveOpen: true)));
            LocalEndPoint = endpoint;
        }

        public override void Abort(ConnectionAbortedException abortReason) => _stream.Dispose();

        public override async ValueTask DisposeAsync()
        {
            await _stream.DisposeAsync().ConfigureAwait(false);
            await base.DisposeAsync().ConfigureAwait(false);
        }
    }

    private sealed record Ends(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
