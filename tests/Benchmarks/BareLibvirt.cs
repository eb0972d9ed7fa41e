using System.Diagnostics;
using System.Xml.Linq;

namespace Troupe.Benchmarks;

/// <summary>
/// The same domain without Troupe: `virsh create` of the XML that a launcher made, with the pod's paths replaced by paths of this host.
/// </summary>
internal sealed class BareLibvirt : IAsyncDisposable
{
    private readonly BareDaemon _daemon = new("start");

    public Task WaitUsable() => _daemon.WaitUsable();

    public async Task<TimeSpan> Create(XDocument domain)
    {
        var file = Path.Combine(_daemon.Root, "domain.xml");
        domain.Save(file);
        var watch = Stopwatch.StartNew();
        (await _daemon.Virsh("create", file)).Require();
        return watch.Elapsed;
    }

    public XDocument Adapt(string launcherXml, string guestDirectory)
    {
        var domain = BareDaemon.Adapt(launcherXml, guestDirectory, _daemon.Root);
        // Pods have their tap prepared outside of libvirt as well; here there is no pod to prepare it in.
        domain.Descendants("interface").Remove();
        return domain;
    }

    public ValueTask DisposeAsync() => _daemon.DisposeAsync();
}
