using Troupe.ControlPlane.Machines.ReplicaSets;
using Troupe.ControlPlane.Machines.Vm;
using Troupe.Messages.Api.KubeVirt;
using Troupe.Messages.Api.Meta;
using Troupe.Messages.Protocol.Machines;
using Xunit;
using static Troupe.ControlPlane.Tests.Machines.MachineSamples;

namespace Troupe.ControlPlane.Tests.Machines;

public sealed class ReplicaSetTests
{
    [Theory]
    [InlineData(3, 0, 3, 0)]
    [InlineData(3, 2, 1, 0)]
    [InlineData(3, 3, 0, 0)]
    [InlineData(1, 3, 0, 2)]
    [InlineData(0, 3, 0, 3)]
    [InlineData(1000, 0, 250, 0)]
    public void As_many_are_made_or_deleted_as_it_takes(int replicas, int existing, int create, int delete)
    {
        var decision = Decide(State(replicas, [.. Enumerable.Range(0, existing).Select(i => Replica($"r{i}", "Running"))]));
        Assert.Equal((create, delete), (decision.Create, decision.Delete.Count));
        Assert.Equal(existing, decision.Status.Replicas);
    }

    [Fact]
    public void Ended_instances_are_deleted_and_replaced()
    {
        var decision = Decide(State(2, Replica("a", "Running"), Replica("b", "Failed")));
        Assert.Equal("b", Assert.Single(decision.Delete).Metadata.Name);
        Assert.Equal(1, decision.Create);
    }

    [Fact]
    public void What_is_being_deleted_counts_no_more_and_is_not_deleted_again()
    {
        var leaving = Replica("b", "Running");
        leaving = leaving with { Metadata = leaving.Metadata with { DeletionTimestamp = Now } };
        var decision = Decide(State(1, Replica("a", "Running"), leaving));
        Assert.Equal((0, 0, 1), (decision.Create, decision.Delete.Count, decision.Status.Replicas));
    }

    [Fact]
    public void A_paused_set_does_nothing_and_says_so()
    {
        var state = State(5);
        state = state with { ReplicaSet = state.ReplicaSet! with { Spec = state.ReplicaSet.Spec! with { Paused = true } } };
        var decision = Decide(state);
        Assert.Equal(0, decision.Create);
        Assert.Equal("ReplicaPaused", Assert.Single(decision.Status.Conditions!).Type);
    }

    [Fact]
    public void The_status_serves_the_scale_subresource()
    {
        var ready = Replica("a", "Running");
        ready = ready with { Status = ready.Status! with { Conditions = [new VirtualMachineInstanceCondition { Type = "Ready", Status = "True" }] } };
        var status = Decide(State(2, ready, Replica("b", "Scheduling"))).Status;
        Assert.Equal((2, 1, "app=web,tier in (a,b)"), (status.Replicas, status.ReadyReplicas, status.LabelSelector));
    }

    [Fact]
    public void Nothing_happens_before_all_replicas_are_known()
    {
        Assert.Null(ReplicaSetLifecycle.Decide(State(3) with { Listed = false }, Now));
    }

    [Fact]
    public void A_refusal_becomes_a_condition()
    {
        var decision = Decide(State(1) with { Failure = new SyncFailure("FailedCreate", "exceeded quota") });
        var condition = Assert.Single(decision.Status.Conditions!);
        Assert.Equal(("ReplicaFailure", "FailedCreate", "exceeded quota"), (condition.Type, condition.Reason, condition.Message));
    }

    [Fact]
    public void An_instance_that_the_selector_does_not_match_any_more_is_released_and_replaced()
    {
        var stray = Replica("b", "Running");
        stray = stray with { Metadata = stray.Metadata with { Labels = new Dictionary<string, string> { ["app"] = "other" } } };
        var decision = Decide(State(2, Replica("a", "Running"), stray));
        Assert.Equal("b", Assert.Single(decision.Release).Metadata.Name);
        Assert.Equal((1, 0, 1), (decision.Create, decision.Delete.Count, decision.Status.Replicas));
    }

    [Fact]
    public void An_old_message_does_not_bring_a_deleted_instance_back()
    {
        var deleted = Replica("a", "Running");
        var state = State(1).With(deleted with { Metadata = deleted.Metadata with { DeletionTimestamp = Now } }).Observe(new ReplicaObserved("rs", deleted));
        Assert.Equal(1, Decide(state).Create);
    }

    [Theory]
    [InlineData("pet", "gen-", "pet")]
    [InlineData(null, "gen-", "gen-")]
    [InlineData(null, null, "web")]
    public void A_replicas_name_begins_as_the_template_says_or_like_the_sets(string? name, string? generate, string begins)
    {
        var set = State(1).ReplicaSet!;
        var template = set.Spec!.Template! with { Metadata = (set.Spec.Template!.Metadata ?? new ObjectMeta()) with { Name = name, GenerateName = generate } };
        var named = set with { Metadata = set.Metadata with { Name = "web" }, Spec = set.Spec with { Template = template } };
        Assert.Equal(begins, ReplicaSetLifecycle.Make(named).Metadata.GenerateName);
    }

    [Fact]
    public void A_set_that_would_not_call_its_own_replicas_its_own_makes_none()
    {
        var state = State(3);
        var template = state.ReplicaSet!.Spec!.Template! with { Metadata = new ObjectMeta { Labels = new Dictionary<string, string> { ["app"] = "other" } } };
        Assert.Null(ReplicaSetLifecycle.Decide(state with { ReplicaSet = state.ReplicaSet with { Spec = state.ReplicaSet.Spec with { Template = template } } }, Now));
    }

    [Fact]
    public void The_begin_and_the_end_of_a_pause_are_told_by_events()
    {
        var (running, paused) = (new VirtualMachineInstanceReplicaSetStatus(), new VirtualMachineInstanceReplicaSetStatus { Conditions = [new Condition { Type = "ReplicaPaused", Status = "True" }] });
        Assert.Equal(("SuccessfulPaused", "Paused"), ReplicaSetLifecycle.PauseEvent(null, paused));
        Assert.Equal(("SuccessfulResumed", "Resumed"), ReplicaSetLifecycle.PauseEvent(paused, running));
        Assert.Null(ReplicaSetLifecycle.PauseEvent(paused, paused));
        Assert.Null(ReplicaSetLifecycle.PauseEvent(running, null));
    }

    [Fact]
    public void A_changed_set_is_followed_while_it_runs()
    {
        var state = State(1, Replica("a", "Running"));
        var set = state.ReplicaSet! with { Metadata = state.ReplicaSet!.Metadata with { ResourceVersion = "100" } };
        state = state.Observe(new ReplicaSetObserved(state.Uid, set with { Spec = set.Spec! with { Replicas = 3 } }));
        Assert.Equal(2, Decide(state).Create);
        state = state.Observe(new ReplicaSetObserved(state.Uid, set with { Metadata = set.Metadata with { ResourceVersion = "101" }, Spec = set.Spec! with { Replicas = 3, Paused = true } }));
        Assert.Equal(0, Decide(state).Create);
        var relabeled = set.Spec!.Template! with { Metadata = set.Spec.Template!.Metadata! with { Annotations = new Dictionary<string, string> { ["note"] = "new" } } };
        state = state.Observe(new ReplicaSetObserved(state.Uid, set with { Metadata = set.Metadata with { ResourceVersion = "102" }, Spec = set.Spec with { Replicas = 2, Template = relabeled } }));
        Assert.Equal(1, Decide(state).Create);
        Assert.Equal("new", ReplicaSetLifecycle.Make(state.ReplicaSet!).Metadata.Annotations!["note"]);
    }

    [Fact]
    public void A_replica_has_a_generated_name_the_templates_labels_and_its_owner()
    {
        var made = ReplicaSetLifecycle.Make(State(1).ReplicaSet!);
        Assert.Equal(("web", "web"), (made.Metadata.GenerateName, made.Metadata.Labels!["app"]));
        Assert.Equal("rs", Assert.Single(made.Metadata.OwnerReferences!).Uid);
    }

    private static ReplicaSetDecision Decide(ReplicaSetState state) => ReplicaSetLifecycle.Decide(state, Now)!;

    private static VirtualMachineInstance Replica(string name, string phase)
    {
        var instance = Instance(phase, uid: name);
        return instance with { Metadata = instance.Metadata with { Name = name, Labels = new Dictionary<string, string> { ["app"] = "web", ["tier"] = "a" } } };
    }

    private static ReplicaSetState State(int replicas, params VirtualMachineInstance[] instances) => new("rs")
    {
        Listed = true,
        Instances = instances.ToDictionary(i => i.Metadata.Uid!),
        ReplicaSet = new VirtualMachineInstanceReplicaSet
        {
            Metadata = new ObjectMeta { Name = "web", Namespace = "n", Uid = "rs" },
            Spec = new VirtualMachineInstanceReplicaSetSpec
            {
                Replicas = replicas,
                Selector = new LabelSelector
                {
                    MatchLabels = new Dictionary<string, string> { ["app"] = "web" },
                    MatchExpressions = [new LabelSelectorRequirement { Key = "tier", Operator = "In", Values = ["b", "a"] }],
                },
                Template = new VirtualMachineInstanceTemplateSpec { Metadata = new ObjectMeta { Labels = new Dictionary<string, string> { ["app"] = "web", ["tier"] = "a" } }, Spec = Spec() },
            },
        },
    };
}
