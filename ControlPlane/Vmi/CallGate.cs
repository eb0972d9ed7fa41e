namespace Troupe.ControlPlane.Vmi;

/// <summary>
/// How many API calls the VMIs of this process have under way at a time. Each write comes back here as calls of two webhooks; when thousands come
/// at once, none is answered in time, and all are made again. Whoever waits here waits outside of those deadlines.
/// </summary>
public sealed class CallGate(int atOnce = CallGate.AtOnce)
{
    /// <summary>Enough to keep an API server busy, few enough for each to be answered in a fraction of a second.</summary>
    public const int AtOnce = 32;
    private readonly SemaphoreSlim _places = new(atOnce);

    public async Task<T> PassAsync<T>(Func<CancellationToken, Task<T>> call, CancellationToken ct)
    {
        await _places.WaitAsync(ct).ConfigureAwait(false);
        try
        {
            return await call(ct).ConfigureAwait(false);
        }
        finally
        {
            _places.Release();
        }
    }
}
