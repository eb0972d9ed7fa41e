using Troupe.ControlPlane.Machines.Pools;
using Troupe.ControlPlane.Machines.Vm;
using Troupe.Messages.Api.Cdi;
using Troupe.Messages.Api.Core;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;
using Troupe.Messages.Api.Pool;
using Troupe.Messages.Protocol.Machines;
using Xunit;
using static Troupe.ControlPlane.Tests.Machines.MachineSamples;

namespace Troupe.ControlPlane.Tests.Machines;

public sealed class PoolTests
{
    private static readonly Dictionary<string, string> App = new() { ["app"] = "web" };

    [Fact]
    public void The_lowest_unused_numbers_are_taken()
    {
        var state = State(Pool(4), Member(0), Member(2)) with { Taken = new HashSet<string> { "web-1" } };
        Assert.Equal([3, 4], Assert.IsType<PoolEffect.Create>(Assert.Single(Decide(state).Effects)).Indexes);
    }

    [Theory]
    [InlineData("AscendingOrder", "web-0 web-1")]
    [InlineData("DescendingOrder", "web-10 web-1")]
    [InlineData("Newest", "web-0 web-1")]
    [InlineData("Oldest", "web-10 web-1")]
    public void Who_leaves_first_is_a_matter_of_policy(string policy, string expected)
    {
        var pool = Pool(1, s => s with { ScaleInStrategy = Proactive(new VirtualMachinePoolSelectionPolicy { SortPolicy = policy }) });
        var delete = Assert.IsType<PoolEffect.Delete>(Assert.Single(Decide(State(pool, Member(0, age: 1), Member(1, age: 2), Member(10, age: 3))).Effects));
        Assert.Equal(expected, string.Join(' ', delete.Machines.Select(m => m.Metadata.Name)));
    }

    [Fact]
    public void Only_machines_that_the_selectors_match_leave()
    {
        var pool = Pool(0, s => s with
        {
            ScaleInStrategy = Proactive(new VirtualMachinePoolSelectionPolicy
            {
                SortPolicy = "AscendingOrder",
                Selectors = new VirtualMachinePoolSelectors { NodeSelectorRequirementMatcher = [new NodeSelectorRequirement { Key = "zone", Operator = "In", Values = ["b"] }] },
            }),
        });
        var inZone = Member(1, change: m => m with { Spec = m.Spec! with { Template = m.Spec.Template! with { Spec = m.Spec.Template.Spec! with { NodeSelector = new Dictionary<string, string> { ["zone"] = "b" } } } } });
        Assert.Equal("web-1", Assert.Single(Assert.IsType<PoolEffect.Delete>(Assert.Single(Decide(State(pool, Member(0), inZone)).Effects)).Machines).Metadata.Name);
    }

    [Fact]
    public void Machines_that_are_leaving_already_are_counted_before_more_are_sent_away()
    {
        Assert.Empty(Decide(State(Pool(1), Member(0), Deleting(Member(1)))).Effects);
        Assert.Single(Assert.IsType<PoolEffect.Delete>(Assert.Single(Decide(State(Pool(0), Member(0), Deleting(Member(1)))).Effects)).Machines);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_pool_that_does_not_scale_in_by_itself_leaves_that_to_its_users(bool unmanaged)
    {
        var strategy = unmanaged
            ? new VirtualMachinePoolScaleInStrategy { Unmanaged = new VirtualMachinePoolUnmanagedStrategy() }
            : new VirtualMachinePoolScaleInStrategy { Opportunistic = new VirtualMachinePoolOpportunisticScaleInStrategy() };
        Assert.Empty(Decide(State(Pool(0, s => s with { ScaleInStrategy = strategy }), Member(0))).Effects);
    }

    [Fact]
    public void A_machine_of_an_older_template_is_updated_and_keeps_its_identity()
    {
        var old = Pool(1, generation: 1);
        var pool = Pool(1, s => s with { VirtualMachineTemplate = Template(cores: 2) }, generation: 2);
        var member = Member(0, change: m => m with { Spec = m.Spec! with { Template = m.Spec.Template! with { Spec = m.Spec.Template.Spec! with { Domain = m.Spec.Template.Spec.Domain! with { Firmware = new Firmware { Uuid = "u-1" } } } } } });
        var unread = Assert.IsType<PoolEffect.LoadRevisions>(Assert.Single(Decide(State(pool, member)).Effects));
        Assert.Equal(["web-1"], unread.Names);

        var (machine, patch) = Assert.Single(Assert.IsType<PoolEffect.Update>(Decide(State(pool, member).WithRevision("web-1", old.Spec)).Effects[0]).Machines);
        Assert.Equal("web-0", machine.Metadata.Name);
        Assert.Equal(2, (int?)patch["spec"]!["template"]!["spec"]!["domain"]!["cpu"]!["cores"]);
        Assert.Null(patch["spec"]!["template"]!["spec"]!["domain"]!["firmware"]);
        Assert.Equal("web-2", (string?)patch["metadata"]!["labels"]![PoolVocabulary.RevisionLabel]);
        Assert.NotNull(patch["metadata"]!["resourceVersion"]);
    }

    [Fact]
    public void A_new_generation_of_the_same_template_changes_no_machine()
    {
        var pool = Pool(1, generation: 2);
        Assert.IsType<PoolEffect.PruneRevisions>(Assert.Single(Decide(State(pool, Member(0)).WithRevision("web-1", Pool(5, generation: 1).Spec)).Effects));
    }

    [Theory]
    [InlineData("1", 1)]
    [InlineData("50%", 2)]
    [InlineData(null, 4)]
    public void As_many_running_guests_are_restarted_as_may_be_down(string? maxUnavailable, int restarted)
    {
        IntOrString? max = maxUnavailable is null ? null : maxUnavailable.EndsWith('%') ? maxUnavailable : int.Parse(maxUnavailable);
        var pool = Pool(4, s => s with { VirtualMachineTemplate = Template(cores: 2), MaxUnavailable = max }, generation: 2);
        var state = State(pool, [.. Enumerable.Range(0, 4).Select(i => Member(i, revision: "web-2"))]).WithRevision("web-1", Pool(4, generation: 1).Spec);
        state = state with { Instances = state.Machines.ToDictionary(m => m.Key, m => Guest(m.Value, "web-1")) };
        Assert.Equal(restarted, Assert.IsType<PoolEffect.Restart>(Assert.Single(Decide(state).Effects)).Instances.Count);
    }

    [Fact]
    public void A_guest_that_runs_the_same_template_is_only_relabelled_and_one_whose_disks_change_is_replaced()
    {
        var (same, disks) = (Pool(1, s => s with { VirtualMachineTemplate = Template(running: "Manual") }, 2), Pool(1, s => s with { VirtualMachineTemplate = Template(dataVolume: "data") }, 2));
        PoolEffect Of(VirtualMachinePool pool)
        {
            var member = Member(0, revision: "web-2");
            var state = State(pool, member).WithRevision("web-1", Pool(1, generation: 1).Spec);
            return Assert.Single(Decide(state with { Instances = new Dictionary<string, VirtualMachineInstance> { [member.Metadata.Uid!] = Guest(member, "web-1") } }).Effects);
        }

        Assert.Equal("web-2", Assert.Single(Assert.IsType<PoolEffect.Relabel>(Of(same)).Instances).Revision);
        Assert.True(Assert.IsType<PoolEffect.Delete>(Of(disks)).Foreground);
    }

    [Fact]
    public void An_opportunistic_pool_restarts_nobody()
    {
        var pool = Pool(1, s => s with { VirtualMachineTemplate = Template(cores: 2), UpdateStrategy = new VirtualMachinePoolUpdateStrategy { Opportunistic = new VirtualMachineOpportunisticUpdateStrategy() } }, 2);
        var member = Member(0, revision: "web-2");
        var state = State(pool, member).WithRevision("web-1", Pool(1, generation: 1).Spec) with { Instances = new Dictionary<string, VirtualMachineInstance> { [member.Metadata.Uid!] = Guest(member, "web-1") } };
        Assert.IsType<PoolEffect.PruneRevisions>(Assert.Single(Decide(state).Effects));
    }

    [Fact]
    public void Machines_that_never_come_up_are_replaced_after_three_failures_or_five_minutes()
    {
        var pool = Pool(3, s => s with { Autohealing = new VirtualMachinePoolAutohealingStrategy() });
        VirtualMachine Failing(int index, int failures, double minutes) => Member(index, change: m => m with
        {
            Status = new VirtualMachineStatus
            {
                PrintableStatus = "CrashLoopBackOff",
                StartFailure = new VirtualMachineStartFailure { ConsecutiveFailCount = failures },
                Conditions = [new Condition { Type = "Ready", Status = "False", LastTransitionTime = Now - TimeSpan.FromMinutes(minutes) }],
            },
        });
        var effects = Decide(State(pool, Failing(0, 3, 0), Failing(1, 1, 6), Failing(2, 1, 2))).Effects;
        Assert.Equal(["web-0", "web-1"], effects.OfType<PoolEffect.Delete>().Single().Machines.Select(m => m.Metadata.Name));
        Assert.Equal(TimeSpan.FromMinutes(3), effects.OfType<PoolEffect.LookAgain>().Single().After);
    }

    [Fact]
    public void A_machine_whose_labels_were_changed_leaves_the_pool_and_is_replaced()
    {
        var stray = Member(0, change: m => m with { Metadata = m.Metadata with { Labels = new Dictionary<string, string> { ["app"] = "mine" } } });
        var effects = Decide(State(Pool(1), stray)).Effects;
        Assert.Equal("web-0", Assert.Single(Assert.IsType<PoolEffect.Release>(effects[0]).Machines).Metadata.Name);
        Assert.Equal([1], Assert.IsType<PoolEffect.Create>(effects[1]).Indexes);
    }

    [Fact]
    public void A_paused_pool_says_so_and_waits()
    {
        var decision = Decide(State(Pool(3, s => s with { Paused = true })));
        Assert.Empty(decision.Effects);
        Assert.Equal(("ReplicaPaused", "SuccessfulPaused"), (Assert.Single(decision.Status.Conditions!).Type, decision.Status.Conditions![0].Reason));
    }

    [Fact]
    public void The_status_serves_the_scale_subresource()
    {
        var ready = Member(0, change: m => m with { Status = new VirtualMachineStatus { Conditions = [new Condition { Type = "Ready", Status = "True" }] } });
        var status = Decide(State(Pool(2), ready, Member(1))).Status;
        Assert.Equal((2, 1, "app=web"), (status.Replicas, status.ReadyReplicas, status.LabelSelector));
    }

    [Fact]
    public void Numbers_go_into_the_names_of_what_is_the_machines_own()
    {
        var volumes = new Volume[]
        {
            new() { Name = "data", DataVolume = new DataVolumeSource { Name = "data" } },
            new() { Name = "shared", PersistentVolumeClaim = new PersistentVolumeClaimVolumeSource { ClaimName = "shared" } },
            new() { Name = "map", ConfigMap = new ConfigMapVolumeSource { Name = "settings" } },
            new() { Name = "seed", CloudInitNoCloud = new CloudInitNoCloudSource { SecretRef = new LocalObjectReference { Name = "seed" } } },
        };
        var template = Template(dataVolume: "data");
        template = template with { Spec = template.Spec! with { Template = template.Spec.Template! with { Spec = template.Spec.Template.Spec! with { Volumes = volumes } } } };
        VirtualMachineSpec Made(VirtualMachinePoolNameGeneration? naming) => PoolMember.Make(Pool(1, s => s with { VirtualMachineTemplate = template, NameGeneration = naming }), 7).Spec!;

        var own = Made(null);
        Assert.Equal("data-7", own.DataVolumeTemplates![0].Metadata!.Name);
        Assert.Equal(["data-7", "shared", "settings", "seed"], Names(own));
        Assert.Equal(["data-7", "shared", "settings-7", "seed-7"], Names(Made(new VirtualMachinePoolNameGeneration { AppendIndexToConfigMapRefs = true, AppendIndexToSecretRefs = true })));

        static IEnumerable<string?> Names(VirtualMachineSpec spec) => spec.Template!.Spec!.Volumes!.Select(v => v.DataVolume?.Name ?? v.PersistentVolumeClaim?.ClaimName ?? v.ConfigMap?.Name ?? v.CloudInitNoCloud?.SecretRef?.Name);
    }

    [Fact]
    public void Nothing_happens_before_all_machines_are_known() => Assert.Null(PoolLifecycle.Decide(State(Pool(3)) with { Listed = false }, Now, 1));

    [Fact]
    public void Older_news_bring_no_deleted_machine_back()
    {
        var member = Member(0);
        var state = State(Pool(1), Deleting(member)).Observe(new PoolMachineObserved("pool", member));
        Assert.NotNull(state.Machines[member.Metadata.Uid!].Metadata.DeletionTimestamp);
    }

    private static PoolDecision Decide(PoolState state) => PoolLifecycle.Decide(state, Now, 1)!;

    private static PoolState State(VirtualMachinePool pool, params VirtualMachine[] machines) => new("pool") { Pool = pool, Listed = true, Machines = machines.ToDictionary(m => m.Metadata.Uid!) };

    private static VirtualMachinePoolScaleInStrategy Proactive(VirtualMachinePoolSelectionPolicy policy) => new() { Proactive = new VirtualMachinePoolProactiveScaleInStrategy { SelectionPolicy = policy } };

    private static VirtualMachinePool Pool(int replicas, Func<VirtualMachinePoolSpec, VirtualMachinePoolSpec>? change = null, long generation = 1) => new()
    {
        Metadata = new ObjectMeta { Name = "web", Namespace = "n", Uid = "pool", Generation = generation },
        Spec = (change ?? (s => s))(new VirtualMachinePoolSpec { Replicas = replicas, Selector = new LabelSelector { MatchLabels = App }, VirtualMachineTemplate = Template() }),
    };

    private static VirtualMachineTemplateSpec Template(int? cores = null, string running = "Always", string? dataVolume = null)
    {
        var spec = Spec();
        return new VirtualMachineTemplateSpec
        {
            Metadata = new ObjectMeta { Labels = App },
            Spec = new VirtualMachineSpec
            {
                RunStrategy = running,
                DataVolumeTemplates = dataVolume is null ? null : [new DataVolumeTemplateSpec { Metadata = new ObjectMeta { Name = dataVolume }, Spec = new DataVolumeSpec() }],
                Template = new VirtualMachineInstanceTemplateSpec { Spec = cores is null ? spec : spec with { Domain = spec.Domain! with { Cpu = spec.Domain.Cpu! with { Cores = cores } } } },
            },
        };
    }

    private static VirtualMachine Member(int index, string revision = "web-1", int age = 0, Func<VirtualMachine, VirtualMachine>? change = null)
    {
        var made = PoolMember.Make(Pool(1), index);
        var labels = new Dictionary<string, string>(App) { [PoolVocabulary.RevisionLabel] = revision };
        return (change ?? (m => m))(made with
        {
            Metadata = made.Metadata with { Uid = $"vm-{index}", ResourceVersion = "10", Labels = labels, CreationTimestamp = Now - TimeSpan.FromHours(age) },
        });
    }

    private static VirtualMachine Deleting(VirtualMachine machine) => machine with { Metadata = machine.Metadata with { DeletionTimestamp = Now } };

    private static VirtualMachineInstance Guest(VirtualMachine machine, string revision)
    {
        var instance = Instance("Running", uid: "vmi-" + machine.Metadata.Name);
        return instance with
        {
            Metadata = instance.Metadata with { Name = machine.Metadata.Name, Labels = new Dictionary<string, string> { [PoolVocabulary.RevisionLabel] = revision }, OwnerReferences = [InstanceBuilder.Owner(machine)] },
            Status = instance.Status! with { Conditions = [new VirtualMachineInstanceCondition { Type = "Ready", Status = "True" }] },
        };
    }
}
