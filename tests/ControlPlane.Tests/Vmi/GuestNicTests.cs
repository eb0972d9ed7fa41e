using System.Text.Json.Nodes;
using Troupe.ControlPlane.Feeds;
using Troupe.ControlPlane.Vmi;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.KubeVirt.Vocabulary;
using Troupe.Messages.Api.Meta;
using Troupe.Messages.Protocol.Launcher;
using Troupe.Messages.Protocol.Node;
using Troupe.Messages.Protocol.Vmi;
using Xunit;

namespace Troupe.ControlPlane.Tests.Vmi;

public sealed class GuestNicTests
{
    private const string Migration = """{"name":"mig","namespace":"troupe","interface":"migration0"}""";
    private static readonly DateTimeOffset Now = new(2026, 11, 26, 2, 0, 0, TimeSpan.Zero);
    private static readonly string Device = PodInterfaces.Secondary("lan");

    [Fact]
    public void A_network_that_the_spec_gets_is_asked_of_Multus_and_the_guest_gets_its_interface_when_the_pod_has_the_device()
    {
        var running = Running($"[{Migration}]");
        Assert.Empty(Effects<VmiEffect.SetNetworks>(running));

        var asked = running.Observe(new VmiObserved("uid", Vmi("up")));
        var set = Assert.Single(Effects<VmiEffect.SetNetworks>(asked));
        Assert.Equal(("launcher", "pod-uid"), (set.PodName, set.PodUid));
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse($$"""[{{Migration}},{"name":"lan","namespace":"default","interface":"{{Device}}"}]"""), JsonNode.Parse(set.Annotation)), set.Annotation);
        // The order that brought the guest here is as good as the one for a spec whose interface is not there yet.
        Assert.Empty(Orders(asked));
        Assert.Equal(["default"], Shown(asked).Select(i => i.Name));

        var told = asked.Observe(Pod(set.Annotation));
        Assert.Empty(Effects<VmiEffect.SetNetworks>(told));
        Assert.Empty(Orders(told));

        var attached = told.Observe(Pod(set.Annotation, Device));
        Assert.Equal(["default", "lan"], Assert.Single(Orders(attached)).Vmi.Spec!.Domain!.Devices!.Interfaces!.Select(i => i.Name));
        Assert.Equal(("lan", "multus-status", Device), Told(attached));

        var plugged = attached.Observe(Report(2, Orders(attached)[0].Revision, "default", "lan"));
        Assert.Empty(Orders(plugged));
        Assert.Equal(("lan", "domain, multus-status", Device), Told(plugged));
        Assert.Equal(("default", "domain", "eth0"), (Shown(plugged)[0].Name, Shown(plugged)[0].InfoSource, Shown(plugged)[0].PodInterfaceName));

        static (string?, string?, string?) Told(VmiState state) => (Shown(state)[1].Name, Shown(state)[1].InfoSource, Shown(state)[1].PodInterfaceName);
    }

    [Fact]
    public void An_absent_interface_is_pulled_and_its_network_goes_when_the_guest_has_let_go()
    {
        var annotation = $$"""[{{Migration}},{"name":"lan","namespace":"default","interface":"{{Device}}"}]""";
        var running = Running(annotation, Device);
        var plugged = running.Observe(new VmiObserved("uid", Vmi("up")));
        plugged = plugged.Observe(Report(2, Orders(plugged)[0].Revision, "default", "lan"));

        var absent = plugged.Observe(new VmiObserved("uid", Vmi("absent")));
        Assert.Equal("absent", Assert.Single(Orders(absent)).Vmi.Spec!.Domain!.Devices!.Interfaces![1].State);
        Assert.Empty(Effects<VmiEffect.SetNetworks>(absent));
        // It is not the pod's to give any more, but the guest has it.
        Assert.Equal(("lan", "domain"), (Shown(absent)[1].Name, Shown(absent)[1].InfoSource));

        var gone = absent.Observe(Report(3, Orders(absent)[0].Revision, "default"));
        Assert.Equal($"[{Migration}]", Assert.Single(Effects<VmiEffect.SetNetworks>(gone)).Annotation);
        Assert.Equal(["default"], Shown(gone).Select(i => i.Name));
        // Nor does it stay when its machine has taken it out of the spec before.
        Assert.Equal($"[{Migration}]", Assert.Single(Effects<VmiEffect.SetNetworks>(gone.Observe(new VmiObserved("uid", Vmi(null) with { Metadata = Vmi(null).Metadata with { ResourceVersion = "9" } })))).Annotation);
    }

    [Fact]
    public void What_a_guest_was_started_with_needs_no_word_from_Multus()
    {
        var annotation = $$"""[{"name":"lan","namespace":"default","interface":"{{Device}}"}]""";
        var scheduled = Settle(Settle(new VmiState("uid").Observe(new VmiObserved("uid", Vmi("up")))).State.Observe(Pod(annotation)));
        var run = Assert.IsType<RunDomain>(Assert.Single(scheduled.Effects.OfType<VmiEffect.Tell>()).Message);
        Assert.Equal(2, run.Vmi.Spec!.Domain!.Devices!.Interfaces!.Count);
        Assert.Empty(Orders(Settle(scheduled.State.Observe(Report(1, run.Revision, "default", "lan"))).State));
    }

    [Theory]
    [InlineData("lan,other")]
    [InlineData("{")]
    public void An_annotation_of_another_form_is_left_as_it_is(string annotation) =>
        Assert.Empty(Effects<VmiEffect.SetNetworks>(Running(annotation).Observe(new VmiObserved("uid", Vmi("up")))));

    [Fact]
    public void What_Multus_says_is_read_from_the_pod()
    {
        var pod = new Pod
        {
            Metadata = new ObjectMeta
            {
                Name = "launcher",
                Uid = "pod-uid",
                Annotations = new Dictionary<string, string>
                {
                    ["k8s.v1.cni.cncf.io/networks"] = $"[{Migration}]",
                    ["k8s.v1.cni.cncf.io/network-status"] = $$"""[{"name":"cluster","interface":"eth0","default":true},{"name":"default/lan","interface":"{{Device}}","mac":"02:00:00:00:00:07"}]""",
                },
            },
        };
        var seen = PodProjection.Of(pod);
        Assert.Equal($"[{Migration}]", seen.Networks);
        Assert.Equal(["eth0", Device], seen.AttachedDevices);
    }

    [Fact]
    public void An_interface_that_nobody_attaches_comes_by_a_migration_after_a_while()
    {
        var asked = Running("[]").Observe(new VmiObserved("uid", Vmi("up")));
        // Without a word of Multus there is none, and another pod would have no more.
        Assert.Null(Move(asked));

        asked = asked.Observe(Pod("[]") with { Pod = Pod("[]").Pod with { NetworkStatus = "[]" } });
        var pending = Move(asked)!;
        Assert.Equal(("False", "AutoMigrationPending"), (pending.Status, pending.Reason));
        Assert.Contains(Effects<VmiEffect.LookAgain>(asked), l => l.After == TimeSpan.FromSeconds(15));

        Assert.Equal("False", Move(asked, pending, Now.AddSeconds(14))!.Status);
        var due = Move(asked, pending, Now.AddSeconds(15))!;
        Assert.Equal(("True", "AutoMigrationDueToLiveUpdate"), (due.Status, due.Reason));
        Assert.Equal("True", Move(asked, due)!.Status);
        Assert.Null(Move(asked.Observe(Pod("[]", Device) with { Pod = Pod("[]", Device).Pod with { NetworkStatus = Status("default/lan") } }), due));
    }

    [Fact]
    public void A_virtual_function_takes_a_migration_at_once_and_comes_after_the_guest()
    {
        var asked = Running("[]").Observe(Pod("[]") with { Pod = Pod("[]").Pod with { NetworkStatus = "[]" } }).Observe(new VmiObserved("uid", Function(Vmi("up"))));
        Assert.Equal("True", Move(asked)!.Status);
        Assert.Empty(Effects<VmiEffect.SetNetworks>(asked));
        Assert.Empty(Orders(asked));
        Assert.Equal(["default"], Names(GuestNics.AsItTravels(asked, asked.Vmi!)));

        // There, the pod was made for it.
        var annotation = $$"""[{"name":"lan","namespace":"default","interface":"{{Device}}"}]""";
        var there = asked.Observe(Pod(annotation) with { Pod = Pod(annotation).Pod with { NetworkStatus = "[]" } });
        Assert.Null(Move(there));
        var order = Assert.Single(Orders(there));
        Assert.Equal(["default", "lan"], Names(order.Vmi));
        var plugged = there.Observe(Report(2, order.Revision, "default", "lan"));
        Assert.Empty(Orders(plugged));
        // It is left behind by the next move, too.
        Assert.Equal(["default"], Names(GuestNics.AsItTravels(plugged, plugged.Vmi!)));

        static IEnumerable<string?> Names(VirtualMachineInstance vmi) => vmi.Spec!.Domain!.Devices!.Interfaces!.Select(i => i.Name);
    }

    [Theory]
    [InlineData("default/lan", null)]
    [InlineData("default/other", "True")]
    public void Another_network_under_an_interface_takes_a_migration(string attached, string? expected)
    {
        var running = Running("[]", Device).Observe(new VmiObserved("uid", Vmi("up"))).Observe(Pod("[]", Device) with { Pod = Pod("[]", Device).Pod with { NetworkStatus = Status(attached) } });
        Assert.Equal(expected, Move(running)?.Status);
    }

    private static string Status(string network) => $$"""[{"name":"{{network}}","interface":"{{Device}}"}]""";

    private static VirtualMachineInstanceCondition? Move(VmiState state, VirtualMachineInstanceCondition? before = null, DateTimeOffset? now = null) =>
        VmiConditions.Of(before is null ? [] : [before], state, now ?? Now).FirstOrDefault(c => c.Type == Conditions.MigrationRequired);

    private static VirtualMachineInstance Function(VirtualMachineInstance vmi) => vmi with
    {
        Spec = vmi.Spec! with
        {
            Domain = vmi.Spec.Domain! with
            {
                Devices = vmi.Spec.Domain.Devices! with { Interfaces = [.. vmi.Spec.Domain.Devices.Interfaces!.Select(i => i.Bridge is null ? i : i with { Bridge = null, Sriov = new InterfaceSRIOV() })] },
            },
        },
    };

    private static IReadOnlyList<VirtualMachineInstanceNetworkInterface> Shown(VmiState state) => VmiProjection.Wanted(state.Vmi!, state, Now).Status!.Interfaces!;

    private static IReadOnlyList<UpdateDomain> Orders(VmiState state) => [.. Effects<VmiEffect.Tell>(state).Select(t => t.Message).OfType<UpdateDomain>()];

    private static IReadOnlyList<T> Effects<T>(VmiState state) => [.. Settle(state).Effects.OfType<T>()];

    private static VmiState Running(string annotation, params string[] devices)
    {
        var scheduled = Settle(Settle(new VmiState("uid").Observe(new VmiObserved("uid", Vmi(null)))).State.Observe(Pod(annotation, devices)));
        var revision = Assert.IsType<RunDomain>(Assert.Single(scheduled.Effects.OfType<VmiEffect.Tell>()).Message).Revision;
        return Settle(scheduled.State.Observe(Report(1, revision, "default"))).State;
    }

    private static int _version;

    private static PodObserved Pod(string annotation, params string[] devices) => new("uid", new PodObservation(
        "launcher", "pod-uid", "node-1", "Running", true, false, ["10.0.0.5"], "Burstable", null, null, null, null, null, "image",
        new PodConditionObservation("True", null, null, null), $"{Interlocked.Increment(ref _version)}")
    {
        Networks = annotation,
        AttachedDevices = devices,
    });

    private static (VmiState State, IReadOnlyList<VmiEffect> Effects) Settle(VmiState state)
    {
        while (true)
        {
            var decision = VmiLifecycle.Decide(state, Now, "abcde");
            if (decision.Events.Count == 0)
                return (state, decision.Effects);
            state = decision.Events.Select(e => e is PodNamed named ? named with { PodName = "launcher" } : e).Aggregate(state, (s, e) => s.Apply(e));
        }
    }

    private static DomainReported Report(long sequence, string? revision, params string[] interfaces) => new("uid", "node-1", 1, "agent", sequence, LauncherPresence.Connected,
        new DomainObservation
        {
            Epoch = 1,
            Sequence = sequence,
            State = DomainState.Running,
            Reason = DomainReason.Booted,
            Revision = revision,
            Interfaces = [.. interfaces.Select(i => new InterfaceObservation(i, "02:00:00:00:00:01", null, [], "domain", 1))],
        });

    /// <param name="lan">State of the interface on the second network; null without one.</param>
    private static VirtualMachineInstance Vmi(string? lan)
    {
        var nics = new List<Interface> { new() { Name = "default", Masquerade = new InterfaceMasquerade() } };
        var networks = new List<Network> { new() { Name = "default", Pod = new PodNetwork() } };
        if (lan is not null)
        {
            nics.Add(new Interface { Name = "lan", Bridge = new InterfaceBridge(), State = lan });
            networks.Add(new Network { Name = "lan", Multus = new MultusNetwork { NetworkName = "lan" } });
        }

        return new VirtualMachineInstance
        {
            Metadata = new ObjectMeta { Name = "demo", Namespace = "default", Uid = "uid", ResourceVersion = lan switch { null => "6", "up" => "7", _ => "8" } },
            Spec = new VirtualMachineInstanceSpec
            {
                Networks = networks,
                Domain = new DomainSpec { Memory = new Memory { Guest = new Quantity("128Mi") }, Devices = new Devices { Interfaces = nics } },
            },
        };
    }
}
