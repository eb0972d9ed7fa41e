using System.Text.Json;
using System.Text.Json.Nodes;
using Troupe.ControlPlane.Admission.Configuration;
using Troupe.ControlPlane.Migration;
using Troupe.ControlPlane.Tests.Migration;
using Troupe.ControlPlane.Vmi;
using Troupe.ControlPlane.Vmi.LauncherPod;
using Troupe.Kubernetes.Client;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Api.Meta;
using Troupe.Messages.Protocol.Vmi;
using Xunit;

namespace Troupe.ControlPlane.Tests.LauncherPod;

/// <summary>Plugins of the KubeVirt object that connect interfaces in ways of their own.</summary>
public sealed class NetworkBindingTests
{
    private const long Mi = 1 << 20;
    private static readonly DateTimeOffset Now = new(2026, 11, 26, 2, 0, 0, TimeSpan.Zero);

    private static readonly InterfaceBindingPlugin Full = new()
    {
        SidecarImage = "plugin:1",
        NetworkAttachmentDefinition = "cni/mine",
        DownwardAPI = "device-info",
        Migration = new InterfaceBindingMigration(),
        ComputeResourceOverhead = new ResourceRequirementsWithoutClaims { Requests = new Dictionary<string, Quantity> { ["memory"] = new("10Mi") } },
    };

    [Fact]
    public void A_plugin_brings_its_side_car_its_CNI_and_its_memory_to_the_pod()
    {
        var (with, without) = (Render(Vmi(), Full), Render(Vmi(), new InterfaceBindingPlugin()));
        var sidecar = with.Spec!.Containers![1];
        Assert.Equal(("hook-sidecar-0", "plugin:1", "mine"), (sidecar.Name, sidecar.Image, sidecar.Env!.Single(e => e.Name == "NETWORK_BINDING_PLUGIN_NAME").Value));
        Assert.Contains(sidecar.VolumeMounts!, m => m is { Name: "network-info-annotation", MountPath: "/etc/podinfo" });
        Assert.Contains(with.Spec.Volumes!, v => v.Name == "network-info-annotation");
        Assert.Contains("--hook-sidecars 1", string.Join(' ', with.Spec.Containers[0].Command!));
        // Both interfaces use it; it is called for each, and is there once.
        Assert.Equal("""[{"name":"mine","namespace":"cni","cni-args":{"logicNetworkName":"default"}},"""
            + $$"""{"name":"blue","namespace":"ns","interface":"{{PodInterfaces.Secondary("lan")}}"},""" + """{"name":"mine","namespace":"cni","cni-args":{"logicNetworkName":"lan"}}]""", with.Metadata.Annotations!["k8s.v1.cni.cncf.io/networks"]);
        Assert.Equal(10 * Mi, Memory(with) - Memory(without));
        Assert.Single(without.Spec!.Containers!);
        Assert.DoesNotContain(without.Spec.Volumes!, v => v.Name == "network-info-annotation");
    }

    [Fact]
    public void A_guest_with_passt_needs_memory_for_all_the_ports_at_which_it_listens()
    {
        var passt = Vmi(new Interface { Name = "default", PasstBinding = new InterfacePasstBinding() });
        Assert.Equal(250 * Mi, MemoryOverhead.Bytes(passt, GuestSettings.Default) - MemoryOverhead.Bytes(Vmi(), GuestSettings.Default));
    }

    [Fact]
    public void What_runs_beside_a_guest_and_what_its_devices_lock_is_its_overhead_and_the_ratio_multiplies_it()
    {
        var plain = Vmi();
        var bytes = MemoryOverhead.Bytes(plain, GuestSettings.Default);
        Assert.Equal(110 * Mi, More(s => s with { ReadinessProbe = new Probe { Exec = new ExecAction() } }));
        Assert.Equal(120 * Mi, More(s => s with { ReadinessProbe = new Probe { Exec = new ExecAction() }, LivenessProbe = new Probe { Exec = new ExecAction() } }));
        Assert.Equal(256 * Mi, More(s => s with { Domain = s.Domain! with { LaunchSecurity = new LaunchSecurity { Snp = new SEVSNP() } } }));
        Assert.Equal(Mi, More(s => s with { Volumes = [new Volume { Name = "m", DownwardMetrics = new DownwardMetricsVolumeSource() }] }));
        Assert.Equal(128 * Mi, More(s => s with { Architecture = "arm64" }));
        var same = new Dictionary<string, Quantity> { ["cpu"] = new("1"), ["memory"] = new("512Mi") };
        Assert.Equal(101 * Mi, More(s => s with { Domain = s.Domain! with { Resources = new ResourceRequirements { Requests = same, Limits = same } } }));
        Assert.Equal(bytes + ((bytes + 999) / 1000 / 2 * 1000), MemoryOverhead.Bytes(plain, new GuestSettings { MemoryOverheadRatio = 1.5m }));

        long More(Func<VirtualMachineInstanceSpec, VirtualMachineInstanceSpec> change) => MemoryOverhead.Bytes(plain with { Spec = change(plain.Spec!) }, GuestSettings.Default) - bytes;
    }

    [Fact]
    public void A_guest_moves_with_passt_with_a_plugin_that_moves_and_with_a_bridge_of_which_its_owner_says_so()
    {
        Assert.Empty(Blockers(new Interface { Name = "default", PasstBinding = new InterfacePasstBinding() }, null));
        Assert.Empty(Blockers(Plugged("default"), Full));
        Assert.Equal(["InterfaceNotLiveMigratable"], Blockers(Plugged("default"), new InterfaceBindingPlugin()));
        var bridged = new Interface { Name = "default", Bridge = new InterfaceBridge() };
        Assert.Equal(["InterfaceNotLiveMigratable"], Blockers(bridged, null));
        var vmi = Vmi(bridged);
        vmi = vmi with { Metadata = vmi.Metadata with { Annotations = new Dictionary<string, string> { ["kubevirt.io/allow-pod-bridge-network-live-migration"] = "" } } };
        Assert.Empty(LiveMigratable.Blockers(vmi, GuestSettings.Default));

        static IEnumerable<string> Blockers(Interface nic, InterfaceBindingPlugin? plugin) => LiveMigratable.Blockers(Vmi(nic), Settings(plugin)).Select(b => b.Reason);
    }

    [Fact]
    public void A_plugin_that_is_not_there_holds_the_pod_back_and_is_named()
    {
        const string Message = "failed to render launch manifest: couldn't find configuration for network binding: mine";
        var state = new VmiState("u") { PodName = "pod", Phase = VmiPhases.Pending, Vmi = Vmi() };
        var waiting = VmiLifecycle.Decide(state, Now, "abcde");
        Assert.Empty(waiting.Effects.OfType<VmiEffect.CreatePod>());
        Assert.Equal(new VmiEffect.Announce("Warning", "FailedCreate", Message), Assert.Single(waiting.Effects.OfType<VmiEffect.Announce>()));
        var shown = VmiProjection.Wanted(state.Vmi, state, Now);
        Assert.Equal(("False", "FailedCreate", Message), shown.Status!.Conditions!.Where(c => c.Type == Conditions.Synchronized).Select(c => (c.Status, c.Reason, c.Message)).Single());
        Assert.Empty(VmiLifecycle.Decide(state with { Vmi = shown }, Now, "abcde").Effects.OfType<VmiEffect.Announce>());
        Assert.Single(VmiLifecycle.Decide(state with { Settings = Settings(Full) }, Now, "abcde").Effects.OfType<VmiEffect.CreatePod>());
    }

    [Fact]
    public void The_pod_is_told_which_device_Multus_gave_to_which_network()
    {
        var device = PodInterfaces.Secondary("lan");
        var status = $$"""[{"name":"ns/blue","interface":"{{device}}","mac":"02:00:00:00:00:07","mtu":1400,"device-info":{"type":"pci","pci":{"pci-address":"0000:65:00.2"} } },{"name":"cluster","interface":"eth0","default":true}]""";
        var vmi = Vmi(Plugged("default"), new Interface { Name = "lan", Sriov = new InterfaceSRIOV() });
        var state = new VmiState("u") { PodName = "pod", Phase = VmiPhases.Scheduling, Transitions = [new PhaseTransition(VmiPhases.Scheduling, Now)], Vmi = vmi, Pod = Pod() with { NetworkStatus = status } };
        var told = Assert.Single(VmiLifecycle.Decide(state, Now, "abcde").Effects.OfType<VmiEffect.TellNetworkInfo>());
        Assert.Equal("""{"interfaces":[{"network":"lan","deviceInfo":{"type":"pci","pci":{"pci-address":"0000:65:00.2"}},"mac":"02:00:00:00:00:07","mtu":1400}]}""", told.Annotation);
        Assert.Empty(VmiLifecycle.Decide(state with { Pod = state.Pod with { NetworkInfo = told.Annotation } }, Now, "abcde").Effects.OfType<VmiEffect.TellNetworkInfo>());
        Assert.Equal(2, JsonNode.Parse(NetworkInfo.Of(vmi, Settings(Full), status)!)!["interfaces"]!.AsArray().Count);
        Assert.Null(NetworkInfo.Of(Vmi(), GuestSettings.Default, status));
    }

    [Fact]
    public void Plugins_and_ratio_are_read_from_the_KubeVirt_object_and_plugins_go_to_the_node_with_the_guest()
    {
        var settings = ClusterConfigReader.Read(MigrationSamples.Installation(new KubeVirtConfiguration
        {
            AdditionalGuestMemoryOverheadRatio = "1.25",
            Network = new NetworkConfiguration { Binding = new Dictionary<string, InterfaceBindingPlugin> { ["mine"] = Full, ["other"] = new() } },
        })).Guests;
        Assert.Equal(1.25m, settings.MemoryOverheadRatio);
        Assert.Equal(["mine"], settings.BindingsOf(Vmi())!.Keys);
        Assert.Null(settings.BindingsOf(Vmi(new Interface { Name = "default", Masquerade = new InterfaceMasquerade() })));
    }

    [Fact]
    public void What_the_cluster_forbids_its_guests_is_an_argument_of_their_launchers()
    {
        var settings = ClusterConfigReader.Read(MigrationSamples.Installation(new KubeVirtConfiguration
        {
            VirtualMachineOptions = new VirtualMachineOptions { DisableFreePageReporting = new DisableFreePageReporting(), DisableSerialConsoleLog = new DisableSerialConsoleLog() },
        })).Guests;
        Assert.Equal(["--no-free-page-reporting", "--no-serial-console-log"], Switches(settings));
        Assert.Empty(Switches(GuestSettings.Default));

        IEnumerable<string> Switches(GuestSettings of) => LauncherPodRenderer.Render(Vmi(), "pod", new LauncherPodOptions("image", UseEmulation: false) { Settings = of }).Spec!.Containers![0].Command!.Where(a => a.StartsWith("--no-", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Without_an_injector_the_pod_asks_itself_for_the_devices_that_its_networks_name()
    {
        var vmi = Vmi() with { Metadata = new ObjectMeta { Name = "vm", Namespace = "n", Uid = "u" } };
        vmi = vmi with { Spec = vmi.Spec! with { Networks = [new Network { Name = "a", Multus = new MultusNetwork { NetworkName = "red" } }, new Network { Name = "b", Multus = new MultusNetwork { NetworkName = "net/blue" } }, new Network { Name = "c", Multus = new MultusNetwork { NetworkName = "plain" } }] } };
        var definitions = new Dictionary<string, string>
        {
            ["n/network-attachment-definitions/red"] = """{"metadata":{"annotations":{"k8s.v1.cni.cncf.io/resourceName":"vendor/nic"} } }""",
            ["net/network-attachment-definitions/blue"] = """{"metadata":{"annotations":{"k8s.v1.cni.cncf.io/resourceName":"vendor/nic"} } }""",
            ["n/network-attachment-definitions/plain"] = """{"metadata":{} }""",
        };
        var resources = await NetworkResources.OfAsync(vmi, Find, CancellationToken.None);
        var container = NetworkResources.With(Render(vmi, Full), resources).Spec!.Containers![0].Resources!;
        Assert.Equal(("2", "2"), (container.Requests!["vendor/nic"].Text, container.Limits!["vendor/nic"].Text));

        definitions.Remove("net/network-attachment-definitions/blue");
        var missing = await Assert.ThrowsAsync<KubeException>(() => NetworkResources.OfAsync(vmi, Find, CancellationToken.None));
        Assert.Equal("failed to render launch manifest: failed to locate network attachment definition net/blue", missing.Message);

        Task<JsonElement?> Find(string path, CancellationToken ct) =>
            Task.FromResult<JsonElement?>(definitions.TryGetValue(path["apis/k8s.cni.cncf.io/v1/namespaces/".Length..], out var json) ? JsonDocument.Parse(json).RootElement : null);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Who_asks_for_networks_devices_is_a_matter_of_the_gate(bool isOff) => Assert.Equal(isOff, ClusterConfigReader.Read(MigrationSamples.Installation(new KubeVirtConfiguration
    {
        DeveloperConfiguration = new DeveloperConfiguration { DisabledFeatureGates = isOff ? ["ExternalNetResourceInjection"] : [] },
    })).Guests.AsksForNetworkResources);

    private static PodObservation Pod() => new("pod", "pod-uid", "node-1", "Pending", false, false, [], null, null, null, null, null, null, null, null, "1");

    private static GuestSettings Settings(InterfaceBindingPlugin? plugin) => new() { NetworkBindings = plugin is null ? new() : new Dictionary<string, InterfaceBindingPlugin> { ["mine"] = plugin } };

    private static Interface Plugged(string name) => new() { Name = name, Binding = new PluginBinding { Name = "mine" } };

    private static long Memory(Pod pod) => pod.Spec!.Containers![0].Resources!.Requests!["memory"].Units;

    private static Pod Render(VirtualMachineInstance vmi, InterfaceBindingPlugin plugin) => LauncherPodRenderer.Render(vmi, "pod", new LauncherPodOptions("launcher", UseEmulation: true) { Settings = Settings(plugin) });

    /// <summary>With two interfaces of the plugin, or with these.</summary>
    private static VirtualMachineInstance Vmi(params Interface[] interfaces) => new()
    {
        Metadata = new ObjectMeta { Name = "guest", Namespace = "ns", Uid = "u", ResourceVersion = "1" },
        Spec = new VirtualMachineInstanceSpec
        {
            Networks = [new Network { Name = "default", Pod = new PodNetwork() }, .. interfaces.Length == 1 ? [] : new[] { new Network { Name = "lan", Multus = new MultusNetwork { NetworkName = "blue" } } }],
            Domain = new DomainSpec
            {
                Machine = new Machine { Type = "q35" },
                Memory = new Memory { Guest = new Quantity("256Mi") },
                Devices = new Devices { Interfaces = interfaces.Length > 0 ? interfaces : [Plugged("default"), Plugged("lan")] },
            },
        },
    };
}
