using Troupe.Messages.Api.KubeVirt;
using Troupe.NodeActors.Networking;
using Xunit;

namespace Troupe.NodeActors.Tests.Networking;

/// <summary>passt, and the plugins of the KubeVirt object.</summary>
[Trait("Category", "Real")]
public sealed class OtherBindingTests : PodOfNamespaces
{
    [Fact]
    public async Task passt_may_listen_at_every_port_of_the_pod_and_gets_no_device()
    {
        var pid = await MakePodAsync();
        var prepared = await PrepareAsync(pid, new Interface { Name = "default", PasstBinding = new InterfacePasstBinding() });
        Assert.Equal((true, "", null, 1400, PodAddress), (prepared.IsPasst, prepared.Tap, prepared.GuestAddress, prepared.Mtu, prepared.PodAddresses.Single()));
        Assert.Equal("0", (await In(Pod, "cat", "/proc/sys/net/ipv4/ip_unprivileged_port_start")).Trim());
        Assert.Equal("107\t107", (await In(Pod, "cat", "/proc/sys/net/ipv4/ping_group_range")).Trim());
        Assert.Equal(2, (await DevicesAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
    }

    [Fact]
    public async Task A_plugins_tap_is_the_one_that_its_CNI_has_made_or_the_pods_device_itself()
    {
        var pid = await MakePodAsync();
        var mac = (await In(Pod, "cat", "/sys/class/net/eth0/address")).Trim();
        var own = await PrepareAsync(pid, Nic(), Plugin("tap"));
        Assert.Equal(("eth0", mac, 1400, null), (own.Tap, own.Mac, own.Mtu, own.GuestAddress));
        await In(Pod, "ip", "tuntap", "add", "tap0", "mode", "tap");
        var made = await PrepareAsync(pid, Nic(), Plugin("tap", "link-refresh"));
        Assert.Equal(("tap0", mac, true), (made.Tap, made.Mac, made.RefreshesLink));
    }

    [Fact]
    public async Task A_managed_tap_is_bridged_to_the_pods_device_and_whoever_is_there_answers_DHCP()
    {
        var pid = await MakePodAsync();
        var prepared = await PrepareAsync(pid, Nic(), Plugin("managedTap"));
        Assert.Equal(("tap0", "k6t-eth0", null), (prepared.Tap, prepared.Bridge, prepared.GuestAddress));
        await AttachGuestAsync(prepared.Bridge);
        await In(Guest, "ip", "link", "set", "eth0", "address", prepared.Mac);
        await In(Guest, "ip", "address", "add", $"{PodAddress}/24", "dev", "eth0");
        await In(Guest, "busybox", "ping", "-c1", "-W5", ClientAddress);
    }

    [Fact]
    public async Task A_plugin_that_attaches_nothing_gets_nothing_and_one_that_is_not_there_is_named()
    {
        var pid = await MakePodAsync();
        Assert.Empty(await PrepareAllAsync(pid, Nic(), Plugin(null)));
        var error = await Assert.ThrowsAsync<UnsupportedNetworkException>(() => PrepareAllAsync(pid, Nic(), null));
        Assert.Equal("spec.domain.devices.interfaces[0].binding: the KubeVirt object has no network binding plugin 'mine'", error.Message);
        Assert.Contains("neither tap nor managedTap", (await Assert.ThrowsAsync<UnsupportedNetworkException>(() => PrepareAllAsync(pid, Nic(), Plugin("vhost")))).Message, StringComparison.Ordinal);
    }

    private static Interface Nic() => new() { Name = "default", Binding = new PluginBinding { Name = "mine" } };

    private static Dictionary<string, InterfaceBindingPlugin> Plugin(string? attachment, string? migration = null) => new()
    {
        ["mine"] = new InterfaceBindingPlugin { DomainAttachmentType = attachment, Migration = migration is null ? null : new InterfaceBindingMigration { Method = migration } },
    };
}
