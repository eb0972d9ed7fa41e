using System.Threading.Channels;

namespace Troupe.Stress.Simulation;

/// <summary>Work that is done one after the other, in the order in which it was given.</summary>
internal sealed class SerialQueue : IDisposable
{
    private readonly Channel<Action> _work = Channel.CreateUnbounded<Action>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Action<Exception> _failed;

    public SerialQueue(Action<Exception> failed)
    {
        _failed = failed;
        _ = RunAsync();
    }

    /// <summary>Work that is given after the queue was closed is not done.</summary>
    public void Post(Action work) => _work.Writer.TryWrite(work);

    public void Dispose() => _work.Writer.TryComplete();

    private async Task RunAsync()
    {
        await foreach (var work in _work.Reader.ReadAllAsync().ConfigureAwait(false))
        {
            try
            {
                work();
            }
            catch (Exception e)
            {
                _failed(e);
            }
        }
    }
}
